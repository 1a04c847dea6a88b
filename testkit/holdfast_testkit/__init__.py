"""Test workflows without waiting: a virtual clock, fakes for activities, and replay of recorded histories."""

from holdfast_testkit.fakes import Fake, NotFakedError
from holdfast_testkit.harness import Sim, SimRun, SimSchedule, SimStuckError
from holdfast_testkit.replaying import assert_replays

__all__ = [
    "Fake",
    "NotFakedError",
    "Sim",
    "SimRun",
    "SimSchedule",
    "SimStuckError",
    "assert_replays",
]
