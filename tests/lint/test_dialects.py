"""Each library that the linter knows: its workflows, its steps, its context, and what looks like them and is not."""

import importlib
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from holdfast import workflow
from holdfast_lint.catalog import load_catalog
from holdfast_lint.diagnostic import Report
from holdfast_lint.dialect import KINDS, PURPOSES, REMEDIES, Dialect
from holdfast_lint.dialect_reference import render_dialects
from holdfast_lint.dialectbook import (
    CONTEXT_KEYS,
    KEYS,
    OPERATION_KEYS,
    ROLE_KEYS,
    DialectError,
    load_dialects,
    read_dialect,
)

Checker = Callable[..., Report]

FOLDER = Path(__file__).parent / "dialects"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lint-dialects.md"
DIALECTS = load_dialects().members
PROGRAMS = sorted(FOLDER.glob("*/*.py"))
# A comment at the end of a line says what is found there; where it stands alone, nothing is.
EXPECTED = "# finds "


def titles(paths: list[Path]) -> list[str]:
    return [f"{path.parent.name}-{path.stem}" for path in paths]


@pytest.mark.parametrize("program", PROGRAMS, ids=titles(PROGRAMS))
def test_a_program_is_judged_by_the_library_it_is_written_for(
    check: Checker, program: Path
) -> None:
    text = program.read_text(encoding="utf-8")

    report = check({"flow.py": text})

    expected = [
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        if EXPECTED in line
        for code in line.partition(EXPECTED)[2].split()
    ]
    assert report.problems == ()
    assert [(item.span.line, item.code) for item in report.diagnostics] == expected
    assert report.coverage.workflows > 0
    advice = DIALECTS[program.parent.name].advice
    assert {item.advice for item in report.diagnostics if item.code == "HF101"} <= {advice["now"]}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_library_has_programs_with_findings_and_without(name: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (FOLDER / name).glob("*.py")]

    assert any(f"{EXPECTED}HF101" in text for text in texts)
    assert any(EXPECTED not in text for text in texts)


def test_every_remedy_of_the_tables_is_one_that_each_dialect_has_advice_for() -> None:
    catalog = load_catalog()
    tables = (catalog.calls, catalog.reads, catalog.writes)

    used = {effect.remedy for table in tables for effect in table.values()}

    assert used <= set(REMEDIES)
    assert all(set(dialect.advice) == set(REMEDIES) for dialect in DIALECTS.values())


def test_every_word_of_the_schema_is_used_by_some_table() -> None:
    roles = [
        role for item in DIALECTS.values() for role in (*item.roles.values(), *item.bases.values())
    ]
    operations = [found for item in DIALECTS.values() for found in item.operations.values()]

    assert {role.kind for role in roles} == set(KINDS)
    assert {found.purpose for found in operations} == set(PURPOSES)


def test_every_key_of_the_schema_is_used_by_some_table() -> None:
    folder = files("holdfast_lint").joinpath("dialects")
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in folder.iterdir()]

    def keys(*name: str) -> set[str]:
        entries = [table.get(name[0], ()) for table in tables] if name else [tables]
        return {
            key
            for entry in entries
            for item in ([entry] if isinstance(entry, dict) else entry)
            for key in item
        }

    assert keys() == KEYS
    assert keys("role") == ROLE_KEYS
    assert keys("operation") == OPERATION_KEYS
    assert keys("context") == CONTEXT_KEYS


def test_no_name_belongs_to_two_libraries() -> None:
    together = load_dialects()

    assert len(together.roles) == sum(len(item.roles) for item in DIALECTS.values())
    assert len(together.operations) == sum(len(item.operations) for item in DIALECTS.values())


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_table_uses_the_names_that_its_own_other_spellings_lead_to(dialect: Dialect) -> None:
    catalog = load_catalog()
    names = [*dialect.roles, *dialect.bases, *dialect.operations, *dialect.guards, *dialect.lifts]

    assert [name for name in names if catalog.canonical(name) != name] == []


@pytest.mark.parametrize("name", [*DIALECTS["holdfast"].roles, *DIALECTS["holdfast"].operations])
def test_a_name_in_the_table_of_holdfast_exists(name: str) -> None:
    found: object = importlib.import_module("holdfast")
    for part in name.removeprefix("holdfast.").split("."):
        found = getattr(found, part.removesuffix("()"))

    assert callable(found)


def test_everything_public_of_holdfast_is_in_its_table_or_waits_for_nobody() -> None:
    table = DIALECTS["holdfast"]
    words = " ".join((*table.roles, *table.operations, *table.lifts))
    missing = [name for name in workflow.__all__ if f"workflow.{name}" not in words]

    assert missing == [
        "ApprovalNotice", "Compensation", "Escalation", "Outcome", "RunInfo", "Vote", "Workflow", "logger",
    ]  # fmt: skip


def table(extra: str = "", *, without: str = "") -> str:
    advice = "".join(f'{remedy} = "do"\n' for remedy in REMEDIES if remedy != without)
    head = 'name = "x"\nverified = "x 1"\npackages = ["x"]\nentry = "@x"\nwaits = "await"\nnumbering = "order"\n'
    return f"{head}{extra}\n[advice]\n{advice}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (table("colour = 1"), "x: the table has an unknown key 'colour'"),
        (table(without="now"), "x: the advice must be that for now, "),
        ('name = "x"', "x: the table lacks the key 'verified'"),
        (table('[[role]]\nkind = "task"\ndecorators = ["x.a"]'), "'task' is no kind of role"),
        (table('[[role]]\nkind = "activity"\ndecorators = ["x.a"]'), "wrongly has `direct`"),
        (table('[[role]]\nkind = "workflow"\nregisters = ["x.a"]'), "`registers` goes with `takes`"),
        (table('[[role]]\nkind = "workflow"\ncolour = 1'), "a role has an unknown key 'colour'"),
        (table('[[operation]]\npurpose = "fun"\ncalls = []'), "'fun' is no purpose"),
        (table('[[operation]]\npurpose = "wait"\ncalls = ["x.a", "x.a"]'), "'x.a' stands twice"),
        (table('[[operation]]\npurpose = "wait"\ncalls = []\nhow = 1'), "an operation has an unknown key 'how'"),
        (table("[context]\nhow = 1"), "the context has an unknown key 'how'"),
    ],
)  # fmt: skip
def test_a_table_that_makes_no_sense_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(DialectError, match=complaint):
        read_dialect(text)


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_dialects()


def test_the_reference_page_shows_every_part_of_every_table() -> None:
    page = render_dialects()

    for dialect in DIALECTS.values():
        section = page.partition(f"## {dialect.name}\n")[2].partition("\n## ")[0]
        for name in (*dialect.roles, *dialect.bases, *dialect.operations):
            assert f"| `{dialect.shown(name)}` |" in section
        for name in (
            *dialect.durable, *dialect.guards, *dialect.lifts, *dialect.uncatchable, *dialect.rebinds,
            *dialect.same, *dialect.gives, *dialect.loggers, *dialect.instead, *dialect.instead.values(),
        ):  # fmt: skip
            assert f"`{name}`" in section


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        (
            """
            import time
            import inngest

            client = inngest.Inngest(app_id="x")

            @client.create_function(fn_id="x", trigger=inngest.TriggerEvent(event="x"))
            async def order(ctx: inngest.Context):
                await ctx.step.sleep_until("tomorrow", time.time())
            """,
            "info",
        ),
        (
            """
            import time
            from restate import Service

            service = Service("x")

            @service.handler()
            async def order(ctx):
                await ctx.service_call(order, arg=time.time())
            """,
            "error",
        ),
    ],
)
def test_an_argument_weighs_little_where_an_operation_is_found_by_its_name(
    check: Checker, code: str, severity: str
) -> None:
    (found,) = check({"flow.py": code}).diagnostics

    assert (found.code, found.severity) == ("HF101", severity)


def test_a_helper_is_judged_by_the_library_of_the_nearest_workflow(check: Checker) -> None:
    report = check(
        {
            "shared.py": """
            import asyncio

            async def pause():
                await asyncio.sleep(1)
            """,
            "durable.py": """
            from temporalio import workflow
            from shared import pause

            @workflow.defn
            class Order:
                @workflow.run
                async def run(self):
                    await pause()
            """,
        }
    )
    assert report.diagnostics == ()

    report = check(
        {
            "other.py": """
            from dbos import DBOS
            from shared import pause

            @DBOS.workflow()
            async def order():
                await pause()
            """,
        },
        "other.py",
    )
    (found,) = report.diagnostics
    assert (found.code, found.advice) == ("HF305", DIALECTS["dbos"].advice["sleep"])
    assert [hop.function for hop in found.chain] == ["order", "pause"]
