"""Every entry of the effect tables, one by one."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast_lint.catalog import load_catalog
from holdfast_lint.diagnostic import Report
from holdfast_lint.dialect import AWAITABLES
from holdfast_lint.dialectbook import load_dialects

# Written down apart from the tables, one line per entry, so that a slip in a table shows.
PINNED = Path(__file__).with_name("effects.txt")
CATALOG = load_catalog()
TABLES = {"call": CATALOG.calls, "read": CATALOG.reads, "write": CATALOG.writes}
ENTRIES = [
    (how, name, effect.rule) for how, table in TABLES.items() for name, effect in table.items()
]
USES = {
    "call": "{}()",
    "awaited": "await {}()",
    "read": "used = {}",
    "write": "{}['key'] = 'value'",
}
# Names of newer versions of Python, of older ones, and of other systems.
ELSEWHERE = frozenset(
    {
        "os.startfile", "pathlib.Path().is_junction", "pathlib.Path().walk", "pathlib.Path().copy", "pathlib.Path().copy_into", "pathlib.Path().move",
        "pathlib.Path().move_into", "telnetlib.Telnet", "uuid.uuid6", "uuid.uuid7",
    }
)  # fmt: skip


def module_using(how: str, name: str) -> str:
    """Write a workflow that uses one entry; what the entry is called on is made at import."""
    name = name.replace(".*", ".anything")
    made, call, rest = name.rpartition("()")
    used = f"made{rest}" if call else name
    how = "awaited" if name in AWAITABLES else how
    return (
        f"import {name.partition('.')[0]}\nfrom holdfast import workflow\n\n"
        f"made = {made + call or None}\n\n"
        f"@workflow.define\nasync def flow():\n    {USES[how].format(used)}\n"
    )


@pytest.mark.parametrize(
    ("how", "name", "rule"), ENTRIES, ids=[f"{how} {name}" for how, name, _ in ENTRIES]
)
def test_an_entry_is_found_under_its_rule_and_no_other(
    check: Callable[..., Report], how: str, name: str, rule: str
) -> None:
    report = check({"flow.py": module_using(how, name)})

    durable = name in load_dialects().members["holdfast"].durable
    assert report.problems == ()
    assert [item.code for item in report.diagnostics] == ([] if durable else [rule])


def test_no_entry_came_or_went_unnoticed() -> None:
    written = "".join(sorted(f"{rule} {how} {name}\n" for how, name, rule in ENTRIES))

    assert written == PINNED.read_text(encoding="utf-8")


STANDARD = {name for _, name, _ in ENTRIES if name.partition(".")[0] in sys.stdlib_module_names}


@pytest.mark.parametrize("name", sorted(STANDARD - ELSEWHERE))
def test_an_entry_of_the_standard_library_exists(name: str) -> None:
    assert reaches(name.removesuffix(".*"))


def reaches(dotted: str) -> bool:
    """Tell whether a name leads to something; what a function gives is not made, so it leads anywhere."""
    parts = dotted.split(".")
    found: object = importlib.import_module(parts.pop(0))
    path = getattr(found, "__name__", "")
    for part in parts:
        name = part.removesuffix("()")
        if not hasattr(found, name):
            importlib.import_module(path := f"{path}.{name}")
        found = getattr(found, name)
        if part.endswith("()") and not isinstance(found, type):
            return True
    return True
