"""What ships builds no SQL from values and runs no data as code."""

import ast
import functools
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    path
    for part in ("runtime", "lint", "testkit", "dashboard")
    for path in (ROOT / part).rglob("*.py")
)

# Where SQL or data is what a reader may not expect, and why that is safe.
ALLOWED = {
    ("runtime/holdfast/_plain.py", "code"): "steps of a record, written with the names of its fields, which are checked to be plain words",
    ("runtime/holdfast/_store/blank.py", "SQL"): "statements that SQLite itself has dumped from a database without rows",
    ("runtime/holdfast/_store/doorbell.py", "SQL"): "LISTEN takes a name, not a parameter; it is quoted",
    ("runtime/holdfast/_store/inspecting.py", "SQL"): "PRAGMA takes no parameter; the names are constants beside it",
    ("runtime/holdfast/_store/postgres.py", "SQL"): "the settings of a session, from a constant beside them, and LISTEN with a name that was drawn",
    ("runtime/holdfast/_store/roles.py", "SQL"): "GRANT takes names, not parameters; the dialect quotes them",
    ("runtime/holdfast/_store/sqlite.py", "SQL"): "PRAGMA and BEGIN take no parameter; the texts are constants beside them",
    ("runtime/holdfast/_guard/ease.py", "objects"): "the path of the module, to tell its frames; nothing is read or written",
    ("runtime/holdfast/_guard/installing.py", "objects"): "puts frames around its functions; nothing is read or written",
}  # fmt: skip

_STATEMENTS = {"execute", "executemany", "scalar", "scalars"}
_ONLY_CONSTANTS = {"text", "exec_driver_sql", "executescript", "literal_column", "SQL"}
_LOADS_OBJECTS = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "yaml"}  # fmt: skip
_RUNS_CODE = {"eval", "exec", "compile", "__import__"}
_RUNS_SHELL = {
    "os": {"system", "popen"},
    "subprocess": {"getoutput", "getstatusoutput"},
    "asyncio": {"create_subprocess_shell"},
}


def dangers(source: str) -> Iterator[tuple[str, int]]:
    """Yield what a source does that could turn data into SQL or code, with the line."""
    tree = ast.parse(source)
    from_sqlalchemy = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
    }
    built = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        and (isinstance(node, ast.AugAssign) or _is_built(node.value, frozenset()))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from _of_import(node, [alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from _of_import(node, names)
        elif isinstance(node, ast.Call):
            yield from _of_call(node, from_sqlalchemy, built)


def _of_import(node: ast.stmt, names: list[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        module, _, member = name.partition(".")
        if module in _LOADS_OBJECTS:
            yield "objects", node.lineno
        if member in _RUNS_SHELL.get(module, set()):
            yield "shell", node.lineno


def _of_call(
    node: ast.Call, from_sqlalchemy: set[str], built: set[str]
) -> Iterator[tuple[str, int]]:
    bare = node.func.id if isinstance(node.func, ast.Name) else None
    name = bare or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    if bare in _RUNS_CODE:
        yield "code", node.lineno
    if any(word.arg == "shell" and not _is_false(word.value) for word in node.keywords):
        yield "shell", node.lineno
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(owner, ast.Name) and name in _RUNS_SHELL.get(owner.id, set()):
        yield "shell", node.lineno
    if not node.args or (bare is not None and bare not in from_sqlalchemy):
        return
    first = node.args[0]
    if (name in _ONLY_CONSTANTS and not isinstance(first, ast.Constant)) or (
        name in _STATEMENTS and _is_built(first, built)
    ):
        yield "SQL", node.lineno


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _is_built(value: ast.expr | None, built: Collection[str]) -> bool:
    """Tell whether an expression is a text that is put together, here or where its name gets it."""
    match value:
        case ast.JoinedStr():
            return True
        case ast.Name():
            return value.id in built
        case ast.BinOp():
            return isinstance(value.op, ast.Add | ast.Mod)
        case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant())):
            return True
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in {"format", "encode"}
        case _:
            return False


@functools.cache
def found_in_what_ships() -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for path in SHIPPED:
        for what, line in dangers(path.read_text()):
            found.setdefault((str(path.relative_to(ROOT)), what), []).append(line)
    return found


def test_what_ships_builds_no_sql_from_values_and_runs_no_data_as_code() -> None:
    found = found_in_what_ships()

    assert {place: lines for place, lines in found.items() if place not in ALLOWED} == {}


def test_every_exception_to_that_is_still_needed() -> None:
    assert set(ALLOWED) <= set(found_in_what_ships())


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("from sqlalchemy import text\ntext(f'SELECT {x}')", "SQL"),
        ("from sqlalchemy import text\ntext('SELECT ' + x)", "SQL"),
        ("from sqlalchemy import text\ntext('SELECT %s' % x)", "SQL"),
        ("from sqlalchemy import text\ntext('SELECT {}'.format(x))", "SQL"),
        ("from sqlalchemy import text\ntext(statement)", "SQL"),
        ("import sqlalchemy as sa\nsa.text(statement)", "SQL"),
        ("conn.exec_driver_sql(statement)", "SQL"),
        ("conn.execute(f'DELETE FROM {table}')", "SQL"),
        ("conn.execute('DELETE FROM %s' % table)", "SQL"),
        ("statement = f'DELETE FROM {table}'\nconn.execute(statement)", "SQL"),
        ("conn.execute('DELETE FROM ' + table)", "SQL"),
        ("conn.execute('DELETE FROM {}'.format(table))", "SQL"),
        ("import pickle", "objects"),
        ("from marshal import loads", "objects"),
        ("import shelve", "objects"),
        ("import yaml\nyaml.load(x)", "objects"),
        ("eval(x)", "code"),
        ("exec(x)", "code"),
        ("compile(x, '', 'exec')", "code"),
        ("subprocess.run(x, shell=True)", "shell"),
        ("import os\nos.system(x)", "shell"),
        ("from os import system", "shell"),
        ("asyncio.create_subprocess_shell(x)", "shell"),
    ],
)
def test_the_scan_finds_what_it_is_for(source: str, what: str) -> None:
    assert what in [found for found, _ in dangers(source)]


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy import text\ntext('SELECT :x')",
        "conn.execute(select(run).where(run.c.id == x))",
        "conn.execute('SELECT ?', (x,))",
        "text(f'{x}')",  # a function of somebody else
        "re.compile(x)",
        "import pickled_onions",
    ],
)
def test_the_scan_leaves_bound_parameters_and_other_things_alone(source: str) -> None:
    assert list(dangers(source)) == []
