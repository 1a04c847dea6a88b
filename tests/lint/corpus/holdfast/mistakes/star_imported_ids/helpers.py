from uuid import uuid4 as fresh


def new_reference(kind: str) -> str:
    return f"{kind}-{fresh().hex[:8]}"  # mistake: HF121
