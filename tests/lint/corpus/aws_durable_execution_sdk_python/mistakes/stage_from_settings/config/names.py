import os


def queue_name(kind: str) -> str:
    stage = os.environ.get("STAGE", "dev")  # mistake: HF201
    return f"{stage}-{kind}"
