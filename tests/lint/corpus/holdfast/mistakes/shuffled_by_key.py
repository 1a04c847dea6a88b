"""HF111: a key function that draws numbers shuffles the questions anew on every replay."""

import random

from holdfast import activity, workflow


@activity.define
async def ask(candidate: str, question: str) -> int: ...


@workflow.define
async def interview(candidate: str, questions: list[str]) -> int:
    shuffled = sorted(questions, key=lambda _: random.random())  # mistake: HF111
    return sum([await ask(candidate, question) for question in shuffled[:5]])
