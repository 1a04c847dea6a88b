"""HF401: a helper of another module fans out over a set, and tasks are numbered in its order."""
