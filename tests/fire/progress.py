"""A line now and then about what is under way, on the error stream; the results go to the output."""

import sys
import time

_EVERY = 5.0
_last = [0.0]


def say(what: str) -> None:
    """Print where a long piece of work stands, at most every five seconds."""
    if time.monotonic() - _last[0] >= _EVERY:
        _last[0] = time.monotonic()
        print(f"  … {what}", file=sys.stderr, flush=True)
