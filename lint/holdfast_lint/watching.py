"""Waiting until something that a check has read is another."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from holdfast_lint.config import find_config
from holdfast_lint.discovery import discover
from holdfast_lint.selection import Options

# Looking at some thousand files takes a few milliseconds, so a look now and then costs next to nothing.
PAUSE = 0.3
# File systems stamp with a clock that may lag behind by so many nanoseconds.
COARSE = 20_000_000

Stamps = Mapping[Path, tuple[int, int]]


def stamps(paths: Iterable[Path], options: Options, read: Iterable[str]) -> Stamps:
    """Note when each file was changed: those to check, what a check has read beside them, and the tables above."""
    named = [path.absolute() for path in paths]
    files = {*discover(named, find_config, options.exclude).files, *map(Path, read)}
    tables = {folder / "pyproject.toml" for path in named for folder in (path, *path.parents)}
    found = ((file, _stamp(file)) for file in files | tables)
    return {file: stamp for file, stamp in found if stamp is not None}


def changes(
    look: Callable[[], Stamps], *, pause: float = PAUSE, clock: Callable[[], int] = time.time_ns
) -> Iterator[None]:
    """Yield at once, and then whenever a file is another than before the last yield.

    Files that a look shows for the first time after a yield are those that the check has come to read: they are
    another when they were written since it began.
    """
    while True:
        began, before = clock() - COARSE, look()
        yield
        after = look()
        if any(after[file][0] >= began for file in after.keys() - before.keys()):
            continue
        seen = {**after, **before}
        while look() == seen:
            time.sleep(pause)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
