"""What takes the place of forbidden calls, per dialect: the tables `fixes/*.toml`."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast, get_args

When = Literal["any", "none", "one", "utc", "zone", "message"]
Await = Literal["no", "add", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Be one row: what calls of these names, with such arguments, are replaced by.

    `methods` are names of methods of whatever object, for a rule that knows the object. `awaits` says whether `await`
    is put before the new call (`add`), or stands there already (`keep`).
    """

    rule: str
    calls: frozenset[str]
    methods: frozenset[str]
    when: When
    write: str
    title: str
    safe: bool
    awaits: Await


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacements:
    """Hold the table of one dialect; `names` are the words of its templates, `packages` what its users import."""

    dialect: str
    packages: frozenset[str]
    names: Mapping[str, str]
    rows: Sequence[Replacement]
    activity: str | None

    def of(self, rule: str) -> Sequence[Replacement]:
        """Give the rows of a rule."""
        return [row for row in self.rows if row.rule == rule]


@cache
def load_replacements() -> Sequence[Replacements]:
    """Read every table once, ordered by dialect."""
    folder = files("holdfast_lint").joinpath("fixes")
    tables = [
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(map(_replacements, tables), key=lambda table: table.dialect))


def replacements_for(text: str) -> Replacements | None:
    """Choose the table of the dialect whose packages a file imports."""
    for table in load_replacements():
        for package in table.packages:
            if re.search(rf"^\s*(?:from|import)\s+{re.escape(package)}\b", text, re.MULTILINE):
                return table
    return None


def _replacements(table: Mapping[str, Any]) -> Replacements:
    return Replacements(
        dialect=table["dialect"],
        packages=frozenset(table["packages"]),
        names=table["names"],
        rows=tuple(_row(row) for row in table["replace"]),
        activity=table.get("activity"),
    )


def _row(row: Mapping[str, Any]) -> Replacement:
    when, awaits = row.get("when", "any"), row.get("awaits", "no")
    if when not in get_args(When) or awaits not in get_args(Await):
        raise ValueError(f"a row of {row['rule']} has an unknown `when` or `awaits`")
    return Replacement(
        rule=row["rule"],
        calls=frozenset(row.get("calls", ())),
        methods=frozenset(row.get("methods", ())),
        when=cast("When", when),
        write=row["write"],
        title=row["title"],
        safe=row["safe"],
        awaits=cast("Await", awaits),
    )
