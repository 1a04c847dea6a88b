import os
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Settings:
    carrier: str


@lru_cache(maxsize=1)
def settings() -> Settings:  # also: HF505
    return Settings(carrier=os.environ["CARRIER"])  # mistake: HF505 or HF201
