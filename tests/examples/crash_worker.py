"""Start worker processes of the research agent that kill themselves at a chosen point.

The program imports everything once. Then it forks a process for each line of JSON on its standard input, and tells
on its standard output which process that is, and later how it ended.
"""

import asyncio
import functools
import inspect
import json
import os
import select
import signal
import sys
import threading
import traceback
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Literal, NoReturn

import research_agent.activities
from holdfast import Client, Worker
from holdfast.activity import Activity
from research_agent.flow import research

Point = Literal["before", "in", "after"]
SOURCES = str(Path(research_agent.activities.__file__).parent)
LOOK_EVERY = 0.01
UNHARMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one worker process does; with `count` it writes how many lines each activity runs."""

    db: str
    data: str
    log: str
    lease: float = 1.0
    without: tuple[str, ...] = ()
    count: str = ""
    victim: str = ""
    point: Point = "before"
    line: int = 0

    @property
    def marker(self) -> Path:
        """Return the file that says that the process has killed itself once."""
        return Path(self.data) / "killed"


_traced: ContextVar[str] = ContextVar("traced")


class Saboteur:
    """Wraps activities so that their process dies, or so that their lines are counted."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: Counter[str] = Counter()

    def wrap(self, original: Activity[..., Any]) -> Activity[..., Any]:
        """Return an activity of the same name and types that can be killed."""
        name, fn = original.name, original.fn

        @functools.wraps(fn)
        async def wrapped_async(*args: Any) -> Any:
            self.enter(name)
            result = await fn(*args)
            self.leave(name)
            return result

        @functools.wraps(fn)
        def wrapped_sync(*args: Any) -> Any:
            self.enter(name)
            result = fn(*args)
            self.leave(name)
            return result

        wrapped = wrapped_async if inspect.iscoroutinefunction(fn) else wrapped_sync
        return Activity(replace(original.definition, fn=wrapped))

    def enter(self, name: str) -> None:
        if self.plan.point == "before" and not self.plan.count:
            self.die()
        _traced.set(name)
        sys.settrace(self.trace_call)

    def leave(self, name: str) -> None:
        if self.plan.count:
            (Path(self.plan.count) / name).write_text(str(self.lines[name]))
        elif self.plan.point == "after":
            self.die()
        else:
            os._exit(UNHARMED)  # the line was never reached: the case proves nothing

    def trace_call(self, frame: FrameType, event: str, arg: Any) -> Any:
        del event, arg
        return self.trace_line if frame.f_code.co_filename.startswith(SOURCES) else None

    def trace_line(self, frame: FrameType, event: str, arg: Any) -> Any:
        del frame, arg
        name = _traced.get("")
        if event == "line" and name:
            self.lines[name] += 1
            if self.plan.point == "in" and self.lines[name] == self.plan.line:
                self.die()
        return self.trace_line

    def die(self) -> None:
        """Kill this process; the marker is a promise that it happens once."""
        self.plan.marker.touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()


async def work(plan: Plan) -> None:
    """Advance runs and carry out activities until SIGTERM, or until the plan's point."""
    saboteur = Saboteur(plan)
    activities = [
        saboteur.wrap(each) if plan.count or each.name == plan.victim else each
        for each in research_agent.activities.ALL
        if each.name not in plan.without
    ]
    async with Client(plan.db) as client:
        worker = Worker(
            client,
            workflows=[research],
            activities=activities,
            lease=timedelta(seconds=plan.lease),
            poll=timedelta(milliseconds=20),
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


def become_worker(plan: Plan) -> NoReturn:
    """Turn a forked process into a worker."""
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for target, source in enumerate((nothing, log, log)):
        os.dup2(source, target)
    os.environ["RESEARCH_AGENT_DATA"] = plan.data
    code = 1
    try:
        asyncio.run(work(plan))
        code = 0
    except BaseException:  # noqa: BLE001 (it ends in the log, and in the exit code)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Fork a worker for each line that comes in; end all of them with the input."""
    children: dict[int, int] = {}
    orders = b""
    try:
        while True:
            if select.select([0], [], [], LOOK_EVERY)[0]:
                read = os.read(0, 65536)
                if not read:
                    return
                *lines, orders = (orders + read).split(b"\n")
                for line in lines:
                    start(json.loads(line), children)
            for pid, code in reap():
                say({"id": children.pop(pid), "exit": code})
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def start(order: dict[str, Any], children: dict[int, int]) -> None:
    plan = Plan(**order["plan"])
    pid = os.fork()
    if pid == 0:
        try:
            become_worker(plan)
        finally:
            os._exit(1)
    children[pid] = order["id"]
    say({"id": order["id"], "pid": pid})


def reap() -> list[tuple[int, int]]:
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def say(message: dict[str, int]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    serve()
