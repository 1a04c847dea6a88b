"""Find the guards in the source of the store, and make copies of it without one of them."""

import ast
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ANYTHING = '__import__("sqlalchemy").true()'


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """Describe one guard and the text that stands in its place when it is dropped; offsets count bytes of the file."""

    file: str
    line: int
    what: str
    start: int
    end: int
    instead: str

    @property
    def name(self) -> str:
        """Return how people call it."""
        return f"{self.file}:{self.line} without {self.what}"

    def write(self, source: Path, target: Path) -> None:
        """Copy the source tree of the runtime, without this guard."""
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        file = target / self.file
        data = file.read_bytes()
        file.write_bytes(data[: self.start] + self.instead.encode() + data[self.end :])


def find(source: Path) -> list[Mutant]:
    """Return every check of a lease's epoch and every unique key, in the order of the files."""
    store = source / "holdfast" / "_store"
    files = sorted(store.glob("*.py")) + sorted((store / "migrations" / "versions").glob("*.py"))
    return [mutant for file in files for mutant in _of_file(source, file)]


def _of_file(source: Path, file: Path) -> Iterator[Mutant]:
    data = file.read_bytes()
    offsets = [0]
    for line in data.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    for node in ast.walk(ast.parse(data)):
        found = _guard(node)
        if found is None or not isinstance(node, ast.expr):
            continue
        what, instead = found
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        if not instead and data[end : end + 1] == b",":
            end += 1  # an argument goes with its comma
        yield Mutant(
            file=str(file.relative_to(source)), line=node.lineno, what=what, start=start, end=end, instead=instead
        )  # fmt: skip


def _guard(node: ast.AST) -> tuple[str, str] | None:
    """Return what a node guards and what replaces it, or None for what is no guard."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]) if _is_column(
            left, "lease_epoch"
        ):
            return f"`{ast.unparse(left)} == {ast.unparse(right)}`", _ANYTHING
        case ast.Call(func=ast.Attribute(attr="PrimaryKeyConstraint"), args=columns):
            return f"the key ({', '.join(ast.unparse(column) for column in columns)})", ""
        case ast.Call(func=ast.Attribute(attr="create_index"), keywords=given) if _is_unique(given):
            return f"the unique index {ast.unparse(node.args[0])}", "None"
        case _:
            return None


def _is_column(node: ast.expr, name: str) -> bool:
    """Tell whether a node is `table.c.name`."""
    return isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.value, ast.Attribute) and node.value.attr == "c"  # fmt: skip


def _is_unique(given: list[ast.keyword]) -> bool:
    return any(
        keyword.arg == "unique"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
        for keyword in given
    )
