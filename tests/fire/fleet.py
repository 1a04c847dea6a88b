"""Worker processes that a test starts, kills, stops and lets go on."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Fleet:
    """Hold the workers of one database; what they log is kept in files of the folder."""

    folder: Path
    url: str
    options: tuple[str, ...] = ()
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str, url: str | None = None, prefix: Sequence[str] = ("-m", "holdfast")) -> subprocess.Popen[bytes]:  # fmt: skip
        """Start a worker; `prefix` is how its Python is called."""
        command = [
            sys.executable, *prefix, "worker", "tests.fire.flows", "--db", url or self.url, *self.options, *options,
        ]  # fmt: skip
        log = self.folder / f"worker{len(self.started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=file,
                stderr=file,
            )
        self.started.append(process)
        return process

    def is_up(self, process: subprocess.Popen[bytes]) -> bool:
        """Tell whether a worker has said that it takes work."""
        log = self.folder / f"worker{self.started.index(process)}.log"
        return ": queue " in log.read_text(errors="replace")

    @property
    def running(self) -> list[subprocess.Popen[bytes]]:
        """Return the workers that have not ended."""
        return [process for process in self.started if process.poll() is None]

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a worker as a power cut does."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def logs(self) -> str:
        """Return everything that the workers have logged."""
        files = sorted(self.folder.glob("worker*.log"))
        return "".join(file.read_text(errors="replace") for file in files)


@contextlib.contextmanager
def fleet(folder: Path, url: str, *options: str) -> Iterator[Fleet]:
    """Yield a fleet without workers; those that still run at the end are killed."""
    made = Fleet(folder=folder, url=url, options=options)
    try:
        yield made
    finally:
        for process in made.running:
            process.send_signal(signal.SIGCONT)
            made.kill(process)
