"""The list of what ours gets wrong at present, in `tests/lint/truth/misses.txt`: it only gets shorter."""

from pathlib import Path

from tests.lint.truth.cases import CORPUS
from tests.lint.truth.score import Score

LIST = Path(__file__).with_name("misses.txt")


def listed() -> frozenset[str]:
    """Return the cases of the list: mistakes that are missed, and look-alikes that are reported."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def wrong(score: Score) -> frozenset[str]:
    """Return the mistakes that are missed, and the look-alikes that are reported."""
    return frozenset(
        str(item.case.path.relative_to(CORPUS))
        for item in score.verdicts
        if (not item.found if item.case.is_mistake else item.alarms)
    )


def shrink(score: Score) -> None:
    """Take what is right now off the list, and cases that are gone."""
    kept = listed() & wrong(score)
    lines = LIST.read_text(encoding="utf-8").splitlines(keepends=True)
    LIST.write_text(
        "".join(line for line in lines if line.startswith("#") or line.strip() in kept),
        encoding="utf-8",
    )
