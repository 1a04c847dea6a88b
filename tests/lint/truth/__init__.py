"""How much of what is wrong the checkers find: the corpus of `tests/lint/corpus`, and every tool over it."""
