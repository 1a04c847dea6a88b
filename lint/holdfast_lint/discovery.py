"""Paths on the command line → Python files, and why a path gave none."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast_lint.config import Config, find_config
from holdfast_lint.diagnostic import Problem

SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "venv"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Hold the files found, sorted, each once, and what went wrong."""

    files: tuple[Path, ...]
    problems: tuple[Problem, ...]


def discover(paths: Iterable[Path], exclude: tuple[str, ...] = ()) -> Discovery:
    """Find the Python files under `paths`.

    A file that is named is always taken. A folder is walked without hidden folders, caches, environments and what
    the project excludes, unless the excluded path itself, or something inside it, is what was named. What `exclude`
    fits, seen from the working directory, is left out as well.
    """
    also = Config(root=Path.cwd(), exclude=exclude)
    files: set[Path] = set()
    problems: list[Problem] = []
    for named in paths:
        path = Path(os.path.abspath(named))  # noqa: PTH100 - resolve() would follow symbolic links
        if path.is_file():
            find_config(
                path
            )  # a file that is named is never excluded, but a broken table is worth knowing
            files.add(path)
        elif not path.is_dir():
            problems.append(_problem(named, "there is no such file or folder"))
        else:
            found = set(_walk(path, (find_config(path), also), problems))
            if not found:
                problems.append(_problem(named, "there is no Python file to check in this folder"))
            files |= found
    return Discovery(files=tuple(sorted(files)), problems=tuple(problems))


def is_skipped(folder: str) -> bool:
    """Tell whether a folder of this name never holds code to check."""
    return folder in SKIPPED or folder.startswith(".")


def _walk(top: Path, configs: Iterable[Config], problems: list[Problem]) -> Iterator[Path]:
    def complain(error: OSError) -> None:
        problems.append(_problem(Path(error.filename), f"cannot be read: {error.strerror}"))

    asked = [config for config in configs if not config.excludes(top)]

    def leaves_out(path: Path) -> bool:
        return any(config.excludes(path) for config in asked)

    for parent, folders, names in os.walk(top, onerror=complain):
        folder = Path(parent)
        folders[:] = sorted(
            name for name in folders if not is_skipped(name) and not leaves_out(folder / name)
        )
        for name in sorted(names):
            file = folder / name
            if name.endswith(".py") and not leaves_out(file):
                yield file


def _problem(path: Path, message: str) -> Problem:
    return Problem(path=str(path), line=None, column=None, message=message)
