"""What the guard lets through inside a turn, and how near to it the refusals begin."""
# ruff: noqa: DTZ001, DTZ006, DTZ007, DTZ012, PLW0108 - what is asked is written as it should not be

import _random
import _thread
import argparse
import copy
import datetime as dt
import gc
import gettext
import importlib.machinery
import importlib.metadata
import importlib.resources
import io
import logging
import os
import pickle
import pkgutil
import queue
import random
import resource
import select
import signal
import sqlite3
import threading
import time
import weakref
import zoneinfo
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import pytest
from tests.runtime.core.test_guard import refusal_of

from holdfast._guard.table import functions, methods

NOON = dt.datetime(2026, 1, 1, 12)
NOON_UTC = NOON.replace(tzinfo=UTC)
SEEDED = pickle.dumps(random.Random(5))
LOCK = threading.Lock()
EPOLL = select.epoll() if hasattr(select, "epoll") else None


def _zone_file(name: str) -> Callable[[], Any]:
    return lambda: open(f"{zoneinfo.TZPATH[0]}/{name}", "rb")  # noqa: PTH123 - as it is read in C


def _deadlocks() -> None:
    with LOCK, LOCK:
        pass


def _with_a_clock_as_type() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=lambda _: time.time())
    parser.parse_args(["--count", "1"])


def _get_of_an_empty_queue() -> None:
    try:
        queue.SimpleQueue[int]().get(block=False)
    except queue.Empty:
        queue.Queue[int](1).put(1)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: time.localtime(0), "time.localtime() takes the time zone of this machine"),
    (lambda: time.ctime(0), "time.ctime() takes the time zone"),
    (lambda: time.mktime(time.gmtime(0)), "time.mktime() takes the time zone"),
    (lambda: time.strftime("%s", time.gmtime(0)), "time.strftime() takes the time zone"),
    (lambda: time.strftime("%Z", (2026, 1, 1, 0, 0, 0, 0, 1, 0)), "time.strftime() takes the time zone"),
    (lambda: NOON.strftime("%s"), "time.strftime() takes the time zone"),
    (lambda: dt.datetime.fromtimestamp(0), "datetime.datetime.fromtimestamp() takes the time zone"),
    (lambda: dt.date.fromtimestamp(0), "datetime.date.fromtimestamp() takes the time zone"),
    (lambda: dt.datetime.strptime("12 CET", "%H %Z"), "datetime.datetime.strptime() takes the time"),
    (lambda: NOON.astimezone(), "datetime.datetime.astimezone() takes the time zone"),
    (lambda: NOON.astimezone(UTC), "datetime.datetime.astimezone() takes the time zone"),
    (lambda: NOON_UTC.astimezone(), "datetime.datetime.astimezone() takes the time zone"),
    (lambda: NOON.timestamp(), "datetime.datetime.timestamp() takes the time zone"),
    (lambda: threading.Event().wait(), "threading.Event.wait() blocks the worker"),
    (lambda: queue.Queue().get(), "queue.Queue.get() blocks the worker"),
    (lambda: queue.SimpleQueue().get(), "queue.SimpleQueue.get() blocks the worker"),
    (_deadlocks, "threading.Lock.acquire() blocks the worker"),
    (lambda: select.poll().poll(0), "select.poll().poll() blocks the worker"),
    (lambda: _thread.start_new(print, ()), "hands work to a thread"),
    (lambda: _random.Random(), "needs random numbers that nobody seeded"),
    (lambda: sqlite3.Connection(":memory:"), "sqlite3.Connection() uses a database"),
    (lambda: signal.signal(signal.SIGURG, signal.SIG_IGN), "signal.signal() deals with processes or signals"),
    (lambda: signal.alarm(0), "signal.alarm() deals with processes or signals"),
    (lambda: resource.getrusage(resource.RUSAGE_SELF), "resource.getrusage() reads a clock"),
    (lambda: repr(os.environ), "os.environ reads the environment"),
    (lambda: importlib.resources.files("pydantic").joinpath("main.py").read_text(), "touches files"),
    (lambda: pkgutil.get_data("pydantic", "main.py"), "touches files"),
    (lambda: importlib.machinery.SourceFileLoader("a", __file__).get_data(__file__), "touches files"),
    (lambda: importlib.metadata.version("pydantic"), "touches files"),
    (_zone_file("../../../etc/hostname"), "open() touches files"),
    (_zone_file("localtime"), "open() touches files"),
    (lambda: logging.makeLogRecord({}).created, "logging.makeLogRecord() calls time.time()"),
    (lambda: logging.FileHandler("nowhere"), "touches files"),
    (_with_a_clock_as_type, "time.time() reads the clock"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), REFUSED)
def test_what_only_looks_like_something_harmless_is_refused(
    call: Callable[[], Any], expected: str
) -> None:
    assert expected.replace("time.time_ns", "time.time") in refusal_of(call).replace(
        "time.time_ns", "time.time"  # Python 3.13 reads it for a log record
    )  # fmt: skip


def _parses_arguments() -> None:
    parser = argparse.ArgumentParser(description="Count.")
    parser.add_argument("--count", type=int, default=1, help="how often")
    parser.add_argument("names", nargs="*")
    assert parser.parse_args(["--count", "4", "a"]).count == 4
    assert "how often" in parser.format_help()


def _takes_a_lock() -> None:
    lock = threading.Lock()
    assert lock.acquire()
    assert not lock.acquire(blocking=False)
    lock.release()
    condition = threading.Condition()
    with lock, condition:
        condition.notify_all()


LET_THROUGH: list[Callable[[], Any]] = [
    lambda: dt.datetime.fromtimestamp(0, UTC),
    lambda: dt.datetime.fromtimestamp(0, tz=UTC),
    lambda: dt.datetime.strptime("12 UTC", "%H %Z"),
    lambda: dt.datetime.strptime("12:30 +0100", "%H:%M %z"),
    lambda: NOON_UTC.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).timestamp(),
    lambda: f"{NOON:%Y-%m-%d %Z}",
    lambda: time.strftime("%Y %Z", time.gmtime(0)),
    lambda: time.asctime(time.gmtime(0)),
    _takes_a_lock,
    _get_of_an_empty_queue,
    lambda: threading.Event().wait(0),
    lambda: random.Random(x=5).random(),
    lambda: _random.Random(5).random(),
    lambda: pickle.loads(SEEDED).random(),
    lambda: pickle.load(io.BytesIO(SEEDED)).random(),
    lambda: pickle.Unpickler(io.BytesIO(SEEDED)).load(),
    lambda: pickle._loads(SEEDED),  # type: ignore[attr-defined]  # what runs without the one in C
    lambda: copy.copy(random.Random(5)),
    _parses_arguments,
    lambda: gettext.gettext("count"),
]


@pytest.mark.parametrize("call", LET_THROUGH)
def test_what_takes_nothing_from_outside_is_let_through(call: Callable[[], Any]) -> None:
    assert not refusal_of(call)


def test_a_generator_from_a_pickle_is_the_one_that_was_put_in() -> None:
    drawn: list[float] = []

    assert not refusal_of(lambda: drawn.append(pickle.loads(SEEDED).random()))
    assert drawn == [random.Random(5).random()]


def test_a_lock_that_another_thread_holds_for_a_moment_is_waited_for() -> None:
    lock, asked = threading.Lock(), threading.Event()
    assert lock.acquire()

    def lets_go() -> None:
        asked.wait()
        lock.release()

    thread = threading.Thread(target=lets_go)
    thread.start()

    def waits() -> None:
        asked.set()
        with lock:
            pass

    assert not refusal_of(waits)
    thread.join()


# Nothing of these is the workflow's: they run wherever the interpreter happens to be.


def test_a_signal_handler_that_runs_inside_a_turn_is_let_through() -> None:
    seen: list[float] = []
    inside = threading.Event()

    def handle(number: int, frame: Any) -> None:
        seen.append(time.time())

    def sends() -> None:
        inside.wait()
        os.kill(os.getpid(), signal.SIGUSR1)

    def interrupted() -> None:
        inside.set()
        while not seen:
            pass

    before = signal.signal(signal.SIGUSR1, handle)
    sender = threading.Thread(target=sends)
    sender.start()
    try:
        assert not refusal_of(interrupted)
    finally:
        inside.set()
        sender.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) == 1


def in_a_library(text: str) -> dict[str, Any]:
    """Compile code that belongs to another package than the workflow."""
    scope: dict[str, Any] = {"__name__": "library", "time": time, "weakref": weakref, "seen": []}
    exec(compile(text, "/nowhere/library.py", "exec"), scope)
    return scope


DROPS = {
    "__del__": """
class Thing:
    def __del__(self):
        seen.append(time.time())
kept = [Thing()]
""",
    "callback": """
class Thing: pass
kept = [Thing()]
reference = weakref.ref(kept[0], lambda _: seen.append(time.time()))
""",
    "finalizer": """
class Thing: pass
kept = [Thing()]
weakref.finalize(kept[0], lambda: seen.append(time.time()))
""",
}


@pytest.mark.parametrize("how", DROPS)
def test_what_a_library_does_when_an_object_of_it_goes_is_let_through(how: str) -> None:
    scope = in_a_library(DROPS[how])

    assert not refusal_of(scope["kept"].clear)
    assert len(scope["seen"]) == 1


def test_what_watches_the_garbage_collector_is_let_through() -> None:
    seen: list[float] = []

    def watch(phase: str, info: dict[str, int]) -> None:
        seen.append(time.time())

    gc.callbacks.append(watch)
    try:
        assert not refusal_of(gc.collect)
    finally:
        gc.callbacks.remove(watch)
    assert seen


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_object_of_the_workflow_is_refused_what_it_does_when_it_goes() -> None:
    class Thing:
        def __del__(self) -> None:
            time.time()

    assert "time.time() reads the clock" in refusal_of(lambda: [Thing()].clear())


# Of the functions of `os` that are written in C, those that only compute, or that are asked where code is loaded.
PURE_OF_OS = {
    "WCOREDUMP", "WEXITSTATUS", "WIFCONTINUED", "WIFEXITED", "WIFSIGNALED", "WIFSTOPPED", "WSTOPSIG", "WTERMSIG",
    "fspath", "major", "makedev", "minor", "register_at_fork", "sched_get_priority_max", "sched_get_priority_min",
    "strerror", "waitstatus_to_exitcode",
}  # fmt: skip


def test_every_function_of_os_that_asks_the_system_is_refused() -> None:
    guarded = {call.place for call in (*functions(), *methods())}
    found = {name for name in dir(os) if type(getattr(os, name)) is BuiltinFunctionType}

    assert {name for name in found - PURE_OF_OS if f"os.{name}" not in guarded} == set()


def test_the_zones_themselves_are_let_through() -> None:
    folder = Path(zoneinfo.TZPATH[0])

    assert not refusal_of(lambda: zoneinfo.ZoneInfo.no_cache("Europe/Berlin"))
    assert "touches files" in refusal_of((folder / "Europe" / "Berlin").read_text)
