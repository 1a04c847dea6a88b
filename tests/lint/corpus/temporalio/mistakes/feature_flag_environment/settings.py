import os


class Settings:
    """Read switches from the environment when they are asked for."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def flag(self, name: str) -> bool:
        return os.getenv(f"{self.prefix}_{name}", "") == "1"  # mistake: HF201
