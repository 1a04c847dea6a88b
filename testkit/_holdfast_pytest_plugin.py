"""Give pytest the `sim` fixture, and collect recorded histories as tests.

pytest loads this module at every start, in every project that has holdfast installed. So it imports pytest and
nothing of holdfast until a fixture or a history is used.
"""

import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from holdfast_testkit import Sim

FOLDER = "holdfast_histories"
SUFFIX = ".hist.jsonl"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the replay tests."""
    group = parser.getgroup("holdfast")
    group.addoption(
        "--replay-drift",
        choices=("error", "warn", "ignore"),
        default="error",
        help="whether other arguments, durations and results of a replayed history count (default: error)",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "HistoryFile | None":
    """Collect `holdfast_histories/**/*.hist.jsonl`."""
    if file_path.name.endswith(SUFFIX) and FOLDER in file_path.parts:
        return HistoryFile.from_parent(parent, path=file_path)
    return None


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> "EmptyCorpus | None":
    """Refuse a folder of histories that has none: a replay test that tests nothing would look green."""
    if path.name == FOLDER and not any(path.rglob(f"*{SUFFIX}")):
        return EmptyCorpus.from_parent(parent, path=path)
    return None


class EmptyCorpus(pytest.Directory):
    """Fail collection of an empty corpus."""

    def collect(self) -> Iterable[pytest.Item]:
        """Raise, saying how to fill the folder."""
        raise self.CollectError(
            f"{self.path} holds no *{SUFFIX} file, so nothing would be replayed. Export a run into it: "
            f"holdfast history export RUN -o {self.path.name}/NAME{SUFFIX} - or remove the folder."
        )


class HistoryFile(pytest.File):
    """Hold one recorded history."""

    def collect(self) -> Iterable[pytest.Item]:
        """Return its one test."""
        yield HistoryItem.from_parent(self, name="replays")


class HistoryItem(pytest.Item):
    """Replay a history against today's code."""

    def runtest(self) -> None:
        """Fail with the report of the first difference."""
        from holdfast_testkit.replaying import assert_replays

        root = str(self.config.rootpath)
        if root not in sys.path:
            sys.path.insert(
                0, root
            )  # a history names its code as it is imported from the root of the project
        drift = self.config.getoption("--replay-drift")
        result = assert_replays(self.path, drift=drift)
        if result.drifts and drift == "warn":
            warnings.warn(pytest.PytestWarning(result.text()), stacklevel=1)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the report alone: a traceback of the engine helps nobody."""
        from holdfast import HoldfastError

        if isinstance(excinfo.value, HoldfastError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return how the test is called in a report."""
        return self.path, 0, f"replay of {self.path.name}"


@pytest.fixture
def sim() -> Iterator["Sim"]:
    """Run workflows in process on a virtual clock."""
    from holdfast_testkit import Sim

    with Sim() as simulation:
        yield simulation
