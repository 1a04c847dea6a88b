"""Run holdfast's command line in a process whose own clock is wrong: `python -m tests.fire.skewed SECONDS worker …`.

Everything that Python code can ask for the time of day is off by so much; the database's clock is not.
"""

import datetime as dt
import runpy
import sys
import time
from typing import Any


def skew(seconds: float) -> None:
    """Let `time` and `datetime` of this process be off by some seconds."""
    real, real_ns, real_class = time.time, time.time_ns, dt.datetime
    shift = dt.timedelta(seconds=seconds)

    class Skewed(real_class):  # type: ignore[misc, valid-type]  # what is there is subclassed, whatever it is
        """Be a datetime whose `now` is off."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real_class.now(tz) + shift

        @classmethod
        def utcnow(cls) -> Any:
            return real_class.now(dt.UTC).replace(tzinfo=None) + shift

    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + round(seconds * 1e9)
    dt.datetime = Skewed  # type: ignore[misc]


if __name__ == "__main__":
    skew(float(sys.argv.pop(1)))
    runpy.run_module("holdfast", run_name="__main__", alter_sys=True)
