"""Calls that cannot be replayed are refused inside a turn, and nothing changes anywhere else."""

import asyncio
import contextlib
import datetime as dt
import importlib
import inspect
import io
import logging
import os
import pickle
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.request
import uuid
import warnings
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path
from time import time as time_by_name
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, Field

from holdfast import ActivityError, activity, workflow
from holdfast._guard.installing import install
from holdfast._guard.reference import render_reference
from holdfast._guard.table import PASSED, RULES
from holdfast.errors import ArgumentError
from holdfast.history import Header, History, RunStarted, Turn
from holdfast.replay import ReplayResult, replay
from holdfast_lint.catalog import load_catalog
from holdfast_lint.dialectbook import load_dialects
from holdfast_testkit import Sim, SimStuckError

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "guard.md"
WRITTEN = tomllib.loads(Path(__file__).with_name("guarded_calls.toml").read_text())
ABOUT_OBJECTS, OTHER_RULES = WRITTEN["about_objects"], WRITTEN["other_rules"]
CATALOG = load_catalog()
KNOWN = {
    **{f"call {name}": effect.rule for name, effect in CATALOG.calls.items()},
    **{f"read {name}": effect.rule for name, effect in CATALOG.reads.items()},
    **{f"write {name}": effect.rule for name, effect in CATALOG.writes.items()},
}
# Other libraries sleep for real; of a workflow of holdfast the linter reports none of these.
DURABLE = load_dialects().members["holdfast"].durable
CALLS = sorted(
    entry
    for entry, rule in KNOWN.items()
    if rule in RULES
    and (name := entry.partition(" ")[2]).partition(".")[0] in sys.stdlib_module_names
    and name not in PASSED
    and name not in ABOUT_OBJECTS
    and name not in DURABLE
)
# Of other systems and other versions of Python.
ELSEWHERE = {"os.startfile", "telnetlib.Telnet", "uuid.uuid6", "uuid.uuid7"}
NEWER = ("copy", "copy_into", "move", "move_into", "is_junction", "walk")


def turn_of(call: Callable[[], Any], *, fails_on: tuple[type[Exception], ...] = ()) -> ReplayResult:
    """Apply the first turn of a workflow that makes one call."""

    @workflow.define(name="flow", fails_on=fails_on)
    async def flow() -> None:
        made = call()
        if inspect.isawaitable(made):
            await made
        elif isinstance(made, Iterator):
            list(made)

    header = Header(
        workflow="flow", entry="flows:flow", run="r", status="open", code="", python="", flags=0, seed="s"
    )  # fmt: skip
    start = Turn(event=RunStarted(turn=1, at=0, args=[]), commands=())
    return replay(History(header=header, turns=(start,)), flow)


def refusal_of(call: Callable[[], Any]) -> str:
    """Return why a call is refused, or nothing."""
    bug = turn_of(call).bug or ""
    assert not bug or bug.startswith("ForbiddenCallError: "), bug
    return bug.removeprefix("ForbiddenCallError: ")


def written(name: str) -> tuple[str, str]:
    """Return what is made before the turn, or nothing, and the call on it as an expression."""
    made, dot, method = name.rpartition("().")
    arguments = WRITTEN["arguments"].get(name, "'nowhere'" if name in WRITTEN["one_name"] else "")
    if method.endswith("*") or name.endswith(".*"):
        attribute, _, arguments = arguments.partition(":")
        method, name = attribute, name.removesuffix("*") + attribute
    if not dot:
        return "", f"{name}({arguments})"
    owner = WRITTEN["made"][f"{made}()"]
    if name == "pathlib.Path().expanduser":
        owner = "pathlib.Path('~')"
    if "running" in made:  # there is one inside of a turn only
        return "", f"{owner}.{method}({arguments})"
    return owner, f"made.{method}({arguments})"


def compiled(entry: str) -> Callable[[], Any]:
    """Write the call that an entry of the linter's tables is about, in user code."""
    how, _, name = entry.partition(" ")
    owner, text = written(name) if how == "call" else ("", f"{name}['HOME']")
    scope: dict[str, Any] = {"__name__": __name__}
    parts = name.replace("()", "").replace(".*", "").split(".")
    for count in range(1, len(parts)):
        with contextlib.suppress(ImportError):  # an attribute, not a module
            importlib.import_module(".".join(parts[:count]))
    scope[parts[0]] = importlib.import_module(parts[0])
    if owner:
        scope["made"] = eval(owner, scope)
    if how == "write":
        text = f"{name}.__setitem__('HOME', '')"
    function: Callable[[], Any] = eval(compile(f"lambda: {text}", __file__, "eval"), scope)
    return function


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", CALLS)
@pytest.mark.construct("clocks", "random numbers", "files", "sockets", "subprocesses", "threads")
def test_what_the_linter_reports_of_the_standard_library_is_refused(entry: str) -> None:
    name = entry.partition(" ")[2]
    if name in ELSEWHERE or (
        name.startswith("pathlib.Path().") and not hasattr(Path, name.rpartition(".")[2])
    ):
        assert name in ELSEWHERE or name.endswith(NEWER)
        return

    why = refusal_of(compiled(entry))

    assert f"Lint rule {OTHER_RULES.get(name, KNOWN[entry])} finds this before it runs." in why


class Stamped(BaseModel):
    at: dt.datetime = Field(default_factory=dt.datetime.now)


class Later(dt.datetime):
    """Be a subclass, whose `now` is inherited."""


class Kept:
    clock: Any = time.monotonic


SHARED = random.Random(5)
CONNECTED = sqlite3.connect(":memory:")
BOUND = random.choice
THROUGH: list[tuple[str, Callable[[], Any], str]] = [
    ("imported by name", time_by_name, "time.time() reads the clock"),
    ("as a default factory", Stamped, "calls datetime.datetime.now(), which reads the clock"),
    ("in a subclass", Later.now, "datetime.datetime.now() reads the clock"),
    ("with an argument", lambda: dt.datetime.now(UTC), "datetime.datetime.now() reads"),
    ("bound earlier", lambda: BOUND([1, 2]), "random.choice() calls random.getrandbits()"),
    ("in a class", lambda: Kept().clock(), "time.monotonic() reads a clock"),
    ("in a partial", partial(time.sleep, 0), "time.sleep() blocks the worker"),
    ("unseeded", random.Random, "needs random numbers that nobody seeded"),
    ("tempfile", tempfile.mkdtemp, "tempfile.mkdtemp() touches files"),
    ("urllib", lambda: urllib.request.urlopen("http://127.0.0.1:9"), "uses the network"),
    ("httpx", lambda: httpx.get("http://127.0.0.1:9"), "uses the network"),
    ("uuid", uuid.uuid4, "uuid.uuid4() makes a random id"),
    ("subprocess", lambda: subprocess.run(["true"], check=True), "subprocess.run() deals with processes"),
    ("sqlite", lambda: CONNECTED.execute("select 1"), "uses a database"),
    ("environment", lambda: os.environ.get("HOME"), "os.environ reads the environment"),
    ("thread", lambda: threading.Thread(target=print).start(), "hands work to a thread"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "expected"), [case[1:] for case in THROUGH], ids=[case[0] for case in THROUGH]
)
@pytest.mark.construct("calls inside libraries")
def test_every_way_to_a_call_is_refused(call: Callable[[], Any], expected: str) -> None:
    assert expected in refusal_of(call)


def test_the_error_names_the_line_the_remedy_and_the_rule() -> None:
    def price() -> Any:
        return dt.datetime.now()  # noqa: DTZ005 - the mistake

    line = inspect.getsourcelines(price)[1] + 1

    assert refusal_of(price) == (
        f"datetime.datetime.now() reads the clock inside a workflow ({__name__.replace('.', '/')}.py:{line} in flow > price). "
        "Use workflow.now(), or move it into an activity. Lint rule HF101 finds this before it runs."
    )


def _logs() -> None:
    logging.getLogger("flow").warning("it is %s", "late")
    workflow.logger.warning("late")


def _warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("careful", stacklevel=1)


def _imports() -> None:
    sys.modules.pop("this_or_that", None)
    sys.modules.pop("colorsys", None)
    importlib.import_module("colorsys")


def _copies() -> None:
    import copy  # noqa: PLC0415 - imported inside of the turn on purpose

    assert copy.deepcopy(SHARED).getstate() == SHARED.getstate()


ALLOWED: list[tuple[str, Callable[[], Any]]] = [
    ("logging", _logs),
    ("warnings", _warns),
    ("imports", _imports),
    ("copies", _copies),
    ("tracebacks", lambda: inspect.getsource(refusal_of)),
    ("time zones", lambda: zoneinfo.ZoneInfo.no_cache("Europe/Berlin")),
    ("a seeded generator", lambda: random.Random(7).randint(1, 6)),
    ("the generator of the run", lambda: workflow.random().choice([1, 2])),
    ("ids that are computed", lambda: uuid.uuid5(uuid.NAMESPACE_DNS, "a")),
    ("a given time", lambda: (time.gmtime(0), time.strftime("%Y", time.gmtime(0)))),
    ("a computed time", lambda: dt.datetime.fromtimestamp(0, UTC).isoformat()),
    ("a path that is only text", lambda: Path("a") / "b"),
    ("a new type", lambda: type("M", (BaseModel,), {"__annotations__": {"a": int}, "__module__": __name__})(a=1)),
    ("print", partial(print, end="")),
]  # fmt: skip


@pytest.mark.parametrize("call", [case[1] for case in ALLOWED], ids=[case[0] for case in ALLOWED])
def test_what_is_no_work_of_the_workflow_is_let_through(call: Callable[[], Any]) -> None:
    assert not refusal_of(call)


def test_a_refused_call_that_the_code_catches_stops_the_turn_all_the_same() -> None:
    def swallow() -> None:
        with contextlib.suppress(Exception):  # the mistake
            time.time()

    @workflow.define
    async def swallowing() -> str:
        swallow()
        return "as if nothing had been"

    with Sim() as sim:
        run = sim.start(swallowing)
        verdict = sim.run_until(run, "stuck")
        commands = [turn.commands for turn in sim.history(run).turns]

    assert verdict.code == "stuck.workflow_bug"
    assert "time.time() reads the clock inside a workflow" in verdict.why
    assert commands == [None]


def test_a_caught_call_fails_a_run_that_takes_such_errors_for_failures() -> None:
    @workflow.define(fails_on=(Exception,))
    async def swallowing() -> str:
        try:
            time.time()
        except Exception:  # noqa: BLE001 - the mistake
            return "as if nothing had been"
        return "not refused"

    with Sim() as sim:
        verdict = sim.run_until(sim.start(swallowing), "closed")

    assert verdict.code == "closed.failed"
    assert "time.time() reads the clock" in verdict.why


def test_a_simulation_fails_with_the_message() -> None:
    @workflow.define
    async def stamped() -> float:
        return time.time()

    with Sim() as sim, pytest.raises(SimStuckError, match=r"time\.time\(\) reads the clock inside"):
        sim.result(sim.start(stamped))


@pytest.mark.construct("futures of other loops")
def test_a_future_of_another_loop_is_refused_although_the_code_catches_the_error() -> None:
    other = asyncio.new_event_loop()
    foreign = other.create_future()
    other.close()

    async def wait() -> None:
        try:
            await foreign
        except RuntimeError:
            await asyncio.sleep(1)

    why = refusal_of(wait)

    assert "attached to a different loop" in why
    assert "in flow > wait" in why or "in wait" in why


@pytest.mark.construct("workflow.unsafe")
def test_unsafe_lets_the_calls_of_its_task_through() -> None:
    async def reading() -> None:
        with workflow.unsafe("only shown in a log"):
            time.time()
            with workflow.unsafe("a second reason"):
                os.stat(".")  # noqa: PTH116 - the call is what is asked
            await asyncio.sleep(0)
            time.time()

    assert not refusal_of(reading)


def test_unsafe_ends_with_its_block() -> None:
    def reading() -> None:
        with workflow.unsafe("only shown in a log"):
            time.time()
        time.monotonic()

    assert "time.monotonic()" in refusal_of(reading)


@pytest.mark.construct("workflow.unsafe in its task alone")
def test_unsafe_does_not_reach_other_tasks() -> None:
    async def other() -> None:
        time.monotonic()

    async def inherits() -> None:
        with workflow.unsafe("for this task"):
            await asyncio.create_task(other())

    async def beside() -> None:
        task = asyncio.create_task(other())
        with workflow.unsafe("for this task"):
            await asyncio.sleep(0)
            await task

    assert "time.monotonic()" in refusal_of(inherits)
    assert "time.monotonic()" in refusal_of(beside)


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_unsafe_asks_for_a_reason(reason: Any) -> None:
    with pytest.raises(ArgumentError, match="needs a reason"), workflow.unsafe(reason):
        pass


def test_unsafe_does_nothing_outside_a_workflow() -> None:
    with workflow.unsafe("shared with an activity"):
        assert time.time() > 0


def _everything() -> list[Any]:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as opened:
        made = Path(folder) / "a"
        made.write_text("text")
        opened.settimeout(1)
        return [time.time() > 0, dt.datetime.now(UTC).tzinfo, made.read_text(), len(os.urandom(4)),
                uuid.uuid4().version, random.Random().random() < 1, subprocess.run(["true"], check=True).returncode]  # fmt: skip


@activity.define
async def on_the_loop() -> int:
    return len(_everything())


@activity.define
def in_a_thread() -> int:
    return len(_everything())


@workflow.define
async def both() -> list[int]:
    try:
        return list(await asyncio.gather(on_the_loop(), in_a_thread(), in_a_thread()))
    except ActivityError as error:
        return [str(error)]  # type: ignore[list-item]  # shown by the assertion


def test_activities_do_what_they_always_did() -> None:
    with Sim() as sim:
        sim.real(on_the_loop, in_a_thread)

        assert sim.result(sim.start(both)) == [7, 7, 7]


def test_other_threads_are_let_through_while_a_turn_is_applied() -> None:
    found: list[Any] = []
    go, done = threading.Event(), threading.Event()

    def beside() -> None:
        go.wait()
        found.extend(_everything())
        done.set()

    thread = threading.Thread(target=beside)
    thread.start()

    def holds_the_turn() -> None:
        go.set()
        with workflow.unsafe("only here to keep the turn open"):
            done.wait()

    assert not refusal_of(holds_the_turn)
    thread.join()
    assert len(found) == 7


def test_guarded_functions_are_the_same_objects_and_look_the_same() -> None:
    before = time_by_name
    install()

    assert time.time is before
    assert repr(time.time) == "<built-in function time>"
    assert time.time.__module__ == "time"
    assert inspect.isbuiltin(time.time)
    assert pickle.loads(pickle.dumps(time.sleep)) is time.sleep
    assert pickle.loads(pickle.dumps(open)) is io.open


def test_guarded_functions_complain_of_wrong_arguments_as_before() -> None:
    install()

    with pytest.raises(TypeError, match=r"time\(\) takes no arguments"):
        time.time(1)  # type: ignore[call-arg]
    with pytest.raises(FileNotFoundError):
        open("nowhere", encoding="utf-8")  # noqa: PTH123, SIM115 - the plain function is what is asked


def test_dates_keep_their_class_pickle_and_models() -> None:
    install()

    assert type(Later.now()) is Later
    assert type(Later.today()) is Later
    assert type(dt.date.today()) is dt.date  # noqa: DTZ011 - what is asked
    assert pickle.loads(pickle.dumps(dt.datetime.now))(UTC).tzinfo is UTC
    assert pickle.loads(pickle.dumps(dt.datetime.now(UTC))).tzinfo is UTC
    assert Stamped.model_validate_json(Stamped().model_dump_json()).at <= dt.datetime.now()  # noqa: DTZ005
    assert dt.datetime.now(tz=UTC).utcoffset() == dt.timedelta(0)


def test_importing_holdfast_guards_nothing() -> None:
    code = (
        "import os, random; before = os._Environ.__getitem__, random.Random.__init__\n"
        "import holdfast\n"
        "assert (os._Environ.__getitem__, random.Random.__init__) == before"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_reference()


def test_what_is_let_through_is_known_to_the_linter() -> None:
    names = {entry.partition(" ")[2] for entry in KNOWN}

    assert set(PASSED) <= names
    assert set(ABOUT_OBJECTS) <= names
    assert set(OTHER_RULES) <= names
