"""The holdfast processes of the demonstration: started, killed and ended by it, and no others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from research_agent.stage.errors import StoryError

PATIENCE = timedelta(seconds=5)
LAST_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One process, and the file that it writes its output to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def __str__(self) -> str:
        return self.name[:1].upper() + self.name[1:]

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    def read_log(self) -> str:
        """Return what the process has said so far."""
        return self.log.read_text("utf-8", errors="replace")


class Crew:
    """Starts holdfast commands that end with this process, whatever ends it."""

    def __init__(self, *, code: Path, logs: Path, environ: Mapping[str, str]) -> None:
        self._code, self._logs, self._environ = code, logs, environ
        self._members: list[Member] = []

    def start(self, name: str, *command: str) -> Member:
        """Start `holdfast COMMAND…` in the folder of the deployed code."""
        log = self._logs / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 (our own module)
                [sys.executable, "-m", "research_agent.stage.child", *command],
                stdin=subprocess.PIPE,  # open as long as we live; its end is the child's end
                stdout=output,
                stderr=output,
                cwd=self._code,
                env=dict(self._environ),
                start_new_session=True,  # Ctrl-C is for us; we end the others in good order
            )
        member = Member(name=name, process=process, log=log)
        self._members.append(member)
        return member

    def kill(self, member: Member) -> int:
        """Kill a process with SIGKILL, and return how it ended."""
        os.kill(member.pid, signal.SIGKILL)
        self._members.remove(member)
        return _reap(member)

    def check(self) -> None:
        """Raise when a process has ended by itself."""
        for member in self._members:
            code = member.process.poll()
            if code is not None:
                said = " / ".join(member.read_log().strip().splitlines()[-LAST_LINES:])
                raise StoryError(
                    f"The process {member.name!r} ended by itself with code {code}. "
                    f"It said: {said or 'nothing'}"
                )

    def stop(self) -> None:
        """End every process that is still there, and wait until it is gone."""
        for member in self._members:
            member.process.terminate()
        deadline = time.monotonic() + PATIENCE.total_seconds()
        for member in self._members:
            try:
                member.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                member.process.kill()
            _reap(member)
        self._members.clear()


def _reap(member: Member) -> int:
    if member.process.stdin:
        member.process.stdin.close()
    return member.process.wait()
