"""Paths on the command line → Python files, and why a path gave none."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast_lint.config import Config
from holdfast_lint.diagnostic import LeftOut, Problem

SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "venv"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Hold the files found, sorted, each once, what went wrong, and what was left out on purpose."""

    files: tuple[Path, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[LeftOut, ...]


def discover(
    paths: Iterable[Path], config_of: Callable[[Path], Config], exclude: tuple[str, ...] = ()
) -> Discovery:
    """Find the Python files under `paths`; `config_of` gives the table that governs a path.

    A file that is named is always taken. A folder is walked without hidden folders, caches, environments and what
    the project excludes, unless the excluded path itself, or something inside it, is what was named. What `exclude`
    fits, seen from the working directory, is left out as well.
    """
    also = Config(root=Path.cwd(), where="--exclude", exclude=exclude)
    files: set[Path] = set()
    problems: list[Problem] = []
    left_out: dict[str, LeftOut] = {}
    for named in paths:
        path = Path(os.path.abspath(named))  # noqa: PTH100 - resolve() would follow symbolic links
        if path.is_file():
            # A file that is named is never excluded, but a broken table is worth knowing.
            config_of(path)
            files.add(path)
        elif not path.is_dir():
            problems.append(_problem(named, "there is no such file or folder"))
        else:
            walk = _Walk(path, (config_of(path), also))
            found = set(walk.files())
            problems.extend(walk.problems)
            left_out.update((item.path, item) for item in walk.left_out)
            if not found:
                problems.append(_problem(named, "there is no Python file to check in this folder"))
            files |= found
    return Discovery(
        files=tuple(sorted(files)),
        problems=tuple(problems),
        left_out=tuple(left_out[path] for path in sorted(left_out)),
    )


def is_skipped(folder: str) -> bool:
    """Tell whether a folder of this name never holds code to check."""
    return folder in SKIPPED or folder.startswith(".")


class _Walk:
    """Walk one folder, and note what it passes over."""

    def __init__(self, top: Path, configs: Iterable[Config]) -> None:
        self.problems: list[Problem] = []
        self.left_out: list[LeftOut] = []
        self._top = top
        self._configs = [config for config in configs if not config.excludes(top)]

    def files(self) -> Iterator[Path]:
        """Yield the Python files."""
        for parent, folders, names in os.walk(self._top, onerror=self._complain):
            folder = Path(parent)
            folders[:] = sorted(name for name in folders if self._enters(folder, name))
            for name in sorted(names):
                if name.endswith(".py") and not self._is_excluded(folder / name):
                    yield folder / name

    def _enters(self, folder: Path, name: str) -> bool:
        if is_skipped(name):
            if name in SKIPPED - {"__pycache__"}:
                reason = "folders of this name hold no code of the project"
                self.left_out.append(LeftOut(path=str(folder / name), reason=reason))
            return False
        return not self._is_excluded(folder / name)

    def _is_excluded(self, path: Path) -> bool:
        for config in self._configs:
            if config.excludes(path):
                where = config.where.rpartition(" in ")[2]
                self.left_out.append(LeftOut(path=str(path), reason=f"excluded by {where}"))
                return True
        return False

    def _complain(self, error: OSError) -> None:
        message = f"cannot be read: {error.strerror}"
        self.problems.append(_problem(Path(error.filename), message))


def _problem(path: Path, message: str) -> Problem:
    return Problem(path=str(path), line=None, column=None, message=message)
