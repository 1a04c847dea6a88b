"""Who keeps others from writing to a SQLite file, where the system tells."""

import contextlib
from pathlib import Path

_LOCKS = Path("/proc/locks")  # Linux has it
_WRITE_LOCK = "120"  # the byte of the -shm file that SQLite locks to write to the log
_STOPPED = frozenset("Tt")  # by a signal, or by a debugger


def stopped_writers(database: Path) -> tuple[int, ...]:
    """Return the processes that were stopped while they wrote to a database, or had their turn to."""
    held = {
        _inode(database.with_name(f"{database.name}-turn")): "0",
        _inode(database.with_name(f"{database.name}-shm")): _WRITE_LOCK,
    }
    with contextlib.suppress(OSError):  # no Linux, or nothing that we may see
        found = [_holder(line.split()) for line in _LOCKS.read_text().splitlines()]
        pids = {pid for pid, inode, first in found if held.get(inode) == first}
        return tuple(sorted(pid for pid in pids if _is_stopped(pid)))
    return ()


def _inode(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_ino
    return None


def _holder(line: list[str]) -> tuple[int, int, str]:
    """Return process, inode and first byte of a lock to write; one that is waited for has an arrow before its kind."""
    match line:
        case [_, "FLOCK" | "POSIX" | "OFDLCK", _, "WRITE", pid, place, first, _]:
            return int(pid), int(place.rpartition(":")[2]), first
        case _:
            return 0, 0, ""


def _is_stopped(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2]
        return state[:1] in _STOPPED
    return False
