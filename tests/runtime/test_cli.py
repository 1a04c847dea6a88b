"""The command line answers in sentences: what happened, where, and what to do next; never a traceback."""

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from holdfast import Worker
from holdfast._registry import by_name, definitions_in
from holdfast.cli import main
from holdfast.client import Client

FLOWS = """
from holdfast import activity, workflow
from pydantic import BaseModel

class Order(BaseModel):
    sku: str
    amount: int

@activity.define
async def charge(order: Order) -> str: return f"charged {order.amount}"

@workflow.define
async def buy(order: Order) -> str:
    if await workflow.approval("pay", ask=f"Pay {order.amount}?", to=["ops"], answer=bool):
        return await charge(order)
    return "refused"
"""
EMPTY = "x = 1\n"


@dataclass(frozen=True)
class Outcome:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(
    tmp_path: Path, module: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    module("shop", FLOWS)
    module("empty", EMPTY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOLDFAST_DB", raising=False)

    def call(*arguments: str) -> Outcome:
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


Run = Callable[..., Outcome]
ORDER = '{"sku": "A", "amount": 3}'


def started(run: Run) -> None:
    result = run("start", "shop:buy", ORDER, "--id", "order-7")
    assert (result.returncode, result.stdout) == (0, "order-7\n"), result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["start", "shop:sell", ORDER], 2, "Module 'shop' has no 'sell': it defines buy, charge."),
        (["start", "nothere:buy"], 2, "There is no module 'nothere'. Run the command from the folder that contains it"),
        (["start", "shop:charge", ORDER], 2, "'shop:charge' is not a workflow."),
        (["start", "shop:buy", "{"], 2, "Argument 1 is not JSON"),
        (["start", "shop:buy", '{"sku": "A"}'], 2, "Argument 'order' of buy does not decode as Order: amount: Field required"),
        (["start", "shop:buy"], 2, "cannot be called so: missing a required argument: 'order'"),
        (["start", "shop:buy", ORDER, "--id", "a/b"], 2, "'a/b' cannot be a run id"),
        (["start", "shop:buy", '{"sku": "B", "amount": 1}', "--id", "order-7"], 2, "Run 'order-7' exists already"),
        (["worker", "empty"], 2, "empty defines no workflow and no activity."),
        (["why", "order-9"], 4, "There is no run 'order-9' in this database. `holdfast runs` lists them."),
        (["history", "export", "order-9"], 4, "There is no run 'order-9'"),
        (["approve", "order-7", "pay", "true", "--by", "ana"], 2, "Run order-7 has no approval 'pay'; open approvals: none."),
        (["runs", "--db", "elsewhere.db"], 2, "There is no database at elsewhere.db."),
        (["runs", "--health", "sick"], 2, "--health sick: no such class. Families: stuck,"),
        (["replay", "nothing.jsonl"], 2, "nothing.jsonl: cannot be read as a history"),
        (["runs", "--db", "mysql://x/y"], 2, "mysql:// is not supported. Give a path"),
    ],
)  # fmt: skip
def test_wrong_input_gets_a_sentence(
    run: Run, arguments: list[str], code: int, sentence: str
) -> None:
    started(run)

    result = run(*arguments)

    assert result.returncode == code, result.stderr
    assert result.stderr.startswith("holdfast: ")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_corrupt_and_a_newer_database_get_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"garbage" * 1000)

    result = run("runs", "--db", "bad.db")

    assert result.returncode == 2
    assert "bad.db is not a usable database: file is not a database" in result.stderr
    assert "Traceback" not in result.stderr


def test_runs_are_listed_with_their_reason_and_as_json(run: Run) -> None:
    started(run)

    text = run("runs")
    rows = [json.loads(line) for line in run("runs", "--json").stdout.splitlines()]

    assert "order-7" in text.stdout
    assert "Ready for" in text.stdout
    assert [(row["id"], row["family"]) for row in rows] == [("order-7", "working")]


def test_a_run_id_may_be_shortened(run: Run) -> None:
    started(run)

    result = run("why", "order", "--json")

    assert json.loads(result.stdout)["id"] == "order-7"


async def work(path: Path, code: ModuleType) -> None:
    async with Client(path) as client:
        await Worker(client, workflows=[code.buy], activities=[code.charge]).run_until_idle()


VOTING = """
from datetime import timedelta
from holdfast import workflow

@workflow.define
async def release(version: str) -> list[str]:
    votes = await workflow.approvals(
        "release", ask=f"Release {version}?", to=["ops"], answer=bool, shows={"version": version, "é": 1},
        timeout=timedelta(days=1), on_timeout=False,
    )
    return [vote.by for vote in votes]
"""


def test_several_people_approve_what_the_command_line_shows_them(
    run: Run, tmp_path: Path, module: Callable[[str, str], ModuleType]
) -> None:
    flow = module("votes", VOTING).release

    async def advance() -> None:
        async with Client(tmp_path / "holdfast.db") as client:
            await Worker(client, workflows=[flow]).run_until_idle()

    run("start", "votes:release", '"2.0"', "--id", "rel-1")
    asyncio.run(advance())
    listed = run("inbox").stdout
    row = json.loads(run("inbox", "--json").stdout)
    digest = row["digest"][:12]
    other = run("approve", "rel-1", "release", "true", "--by", "ana", "--saw", "0123456789ab")
    first = run("approve", "rel-1", "release", "true", "--by", "ana", "--saw", digest)
    again = run("approve", "rel-1", "release", "true", "--by", "Ana")
    half = run("inbox").stdout
    second = run("approve", "rel-1", "release", "false", "--by", "bo")
    asyncio.run(advance())

    assert "Release 2.0? (asked of ops, 0 of 2 answered)" in listed
    assert f"  digest: {digest}\n" in listed
    assert '  shows: {"version": "2.0", "é": 1}\n' in listed
    assert row["shows"] == {"version": "2.0", "é": 1}
    assert "has changed since you saw it" in other.stderr
    assert "has the answer of ana already" in again.stderr
    assert (other.returncode, first.returncode, again.returncode, second.returncode) == (2, 0, 2, 0)
    assert "1 of 2 answered: ana)" in half
    assert "Completed" in run("runs").stdout


def test_a_run_is_approved_exported_and_replayed_from_the_command_line(
    run: Run, tmp_path: Path, module: Callable[[str, str], ModuleType]
) -> None:
    started(run)
    asyncio.run(work(tmp_path / "holdfast.db", module("shop", FLOWS)))
    assert "Pay 3? (asked of ops)" in run("inbox").stdout
    bad = run("approve", "order-7", "pay", '"yes"', "--by", "ana")
    good = run("approve", "order-7", "pay", "true", "--by", "ana")
    asyncio.run(work(tmp_path / "holdfast.db", module("shop", FLOWS)))
    export = run("history", "export", "order-7", "-o", "order.hist.jsonl")
    same = run("replay", "order.hist.jsonl")
    module(
        "shop",
        FLOWS.replace(
            "return await charge(order)", "await charge(order)\n        return await charge(order)"
        ),
    )
    edited = run("replay", "order.hist.jsonl")
    as_json = json.loads(run("replay", "order.hist.jsonl", "--json").stdout)

    assert "'yes' is not of type 'boolean'" in bad.stderr
    assert (bad.returncode, good.returncode, export.returncode) == (2, 0, 0)
    assert (same.returncode, edited.returncode) == (0, 1), same.stdout + same.stderr
    assert "ND09 run ends elsewhere" in edited.stdout
    assert "shop.py:16 in buy" in edited.stdout
    assert "shop.py:12 in buy" in edited.stdout
    assert as_json["difference"]["turn"] == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("{}\n", "not a holdfast history"),
        ("not json\n", "not a JSON line"),
        ('{"holdfast_history": 2}\n', "this holdfast reads format 1. Upgrade holdfast"),
        ('{"holdfast_history": 1, "turns": 0}\n', "the header lacks workflow"),
    ],
)
def test_a_file_that_is_no_history_is_refused(
    run: Run, tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "h.jsonl").write_text(text)

    result = run("replay", "h.jsonl")

    assert result.returncode == 2
    assert sentence in result.stderr


def test_a_real_process_prints_a_sentence_and_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "holdfast", "why", "r1", "--db", "none.db"]

    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 2
    assert result.stderr.startswith("holdfast: There is no database at none.db.")
    assert result.stderr.count("\n") == 1


def test_help_lists_every_command_with_what_it_does(run: Run) -> None:
    text = run("--help").stdout

    for command in (
        "worker",
        "start",
        "runs",
        "why",
        "inbox",
        "approve",
        "history",
        "replay",
        "lint",
        "dashboard",
        "demo",
    ):
        assert f"\n  {command} " in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["worker", "./shop.py"],
            "'./shop.py' does not name code. Give a module as Python imports it",
        ),
        (["worker", "."], "'.' does not name code"),
        (["worker", ""], "'' does not name code"),
        (["start", ":buy"], "':buy' does not name code"),
        (["worker", "wrong"], "Importing 'wrong' failed at "),
        (["start", "missing:flow"], "Importing 'missing' failed at "),
        (["start", "shop:buy", "[" * 100_000], "Argument 1 is not JSON"),
        (["runs", "--db", "d" * 300], "cannot be the path of a database"),
        (["worker", "shop", "--lease", "nan"], "--lease nan: expected seconds."),
        (["retry", "order-7"], "Run order-7 is not blocked"),
        (["cancel", "order-7", "--reason", "caf\udce9"], "characters that cannot be written"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_odd_arguments_get_a_sentence_too(
    run: Run, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    started(run)
    (tmp_path / "wrong.py").write_text("def broken(:\n")
    (tmp_path / "missing.py").write_text("import there_is_no_such_module\n")

    result = run(*arguments)

    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("holdfast: ")
    assert sentence in result.stderr


def test_a_path_with_a_question_mark_is_that_file(run: Run, tmp_path: Path) -> None:
    run("start", "shop:buy", ORDER, "--db", "a?b.db")

    assert (tmp_path / "a?b.db").exists()
    assert not (tmp_path / "a").exists()


OPTIONS = (
    FLOWS + "\npatient = charge.with_options(timeout=__import__('datetime').timedelta(hours=1))\n"
)


def test_an_activity_with_other_options_at_module_level_is_the_same_activity(
    run: Run, module: Callable[[str, str], ModuleType]
) -> None:
    found = definitions_in([module("options", OPTIONS)])

    assert len([item for item in found if item.name == "charge"]) == 2
    assert set(by_name([i.definition for i in found], what="definitions")) == {"charge", "buy"}  # type: ignore[attr-defined]  # both kinds have one


def test_a_start_that_is_refused_makes_no_database(run: Run, tmp_path: Path) -> None:
    result = run("start", "shop:buy")

    assert result.returncode == 2
    assert not (tmp_path / "holdfast.db").exists()


def test_a_run_is_paused_resumed_forked_and_terminated(run: Run) -> None:
    started(run)

    assert run("pause", "order-7", "--by", "ana", "--reason", "audit").stdout == "order-7: done\n"
    assert "human.paused  Paused by ana 0 s ago: audit." in run("why", "order-7").stdout
    again = run("pause", "order-7", "--by", "bob")
    assert (again.returncode, "paused by ana already" in again.stderr) == (2, True)
    assert run("resume", "order-7").stdout == "order-7: done\n"
    assert run("resume", "order-7").returncode == 2
    early = run("fork", "order-7", "--at", "1")
    assert (early.returncode, "no worker has applied it yet" in early.stderr) == (2, True)

    serve_once()
    fork = run("fork", "order-7", "--at", "1", "--id", "order-8", "--keys", "new")
    assert fork.stdout == "order-8\n", fork.stderr
    assert "forked from order-7 at turn 1" in run("why", "order-8").stdout
    ended = run("terminate", "order-8", "--reason", "done with it", "--without-compensation")
    assert ended.stdout == "order-8: done\n"
    assert "done with it" in run("why", "order-8").stdout


def serve_once() -> None:
    async def serve() -> None:
        shop: Any = importlib.import_module("shop")
        async with Client("holdfast.db") as client:
            worker = Worker(client, workflows=[shop.buy], activities=[shop.charge])
            await worker.run_until_idle()

    asyncio.run(serve())


def test_help_and_the_linter_do_not_wait_for_the_workflow_api_or_a_database() -> None:
    code = (
        "import sys, holdfast, holdfast.cli, holdfast_lint.cli\n"
        "slow = {'pydantic', 'sqlalchemy', 'sqlmodel', 'libcst', 'holdfast.client', 'holdfast.worker'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
        "print(sorted(set(holdfast.__all__) - set(dir(holdfast))))\n"
        "from holdfast import *\n"
        "print(Client.__name__, workflow.__name__, activity.__name__)\n"
        "print(holdfast.errors.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        "[]",
        "[]",
        "Client holdfast.workflow holdfast.activity",
        "holdfast.errors",
    ]


def test_a_name_that_holdfast_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'holdfast' has no attribute 'Cleint'"):
        getattr(importlib.import_module("holdfast"), "Cleint")  # noqa: B009 - a name that mypy would refuse
