"""The table `[tool.holdfast.lint]` of a project's `pyproject.toml`."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import Any

from holdfast_lint.diagnostic import LintError

KEYS = (
    "baseline",
    "effects",
    "exclude",
    "extend-select",
    "ignore",
    "per-file-ignores",
    "select",
    "severity",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Hold the settings and the folder that their paths are relative to.

    Codes are as written: whether a rule has them is for the selection to say, which knows the rules.
    """

    root: Path
    where: str = ""
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severity: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)
    baseline: Path | None = None

    def excludes(self, path: Path) -> bool:
        """Tell whether `path`, or a folder above it, is excluded."""
        return any(covers(pattern, path, self.root) for pattern in self.exclude)


def covers(pattern: str, path: Path, root: Path) -> bool:
    """Tell whether a pattern fits `path`, or a folder above it, as seen from `root`."""
    if not path.is_relative_to(root):
        return False
    parts = path.relative_to(root).parts
    return any(
        fnmatchcase("/".join(parts[:length]), pattern.strip("/"))
        for length in range(1, len(parts) + 1)
    )


def find_config(start: Path) -> Config:
    """Read the nearest `pyproject.toml` above `start` that has the table.

    Raises:
        LintError: if a file on the way is not TOML or the table does not make sense.
    """
    folder = start if start.is_dir() else start.parent
    found = (read_config(parent) for parent in (folder, *folder.parents))
    return next((config for config in found if config is not None), Config(root=folder))


def read_config(folder: Path) -> Config | None:
    """Read the `pyproject.toml` of one folder; nothing when there is none or it lacks the table.

    Raises:
        LintError: if the file is not TOML or the table does not make sense.
    """
    table = _read_table(folder / "pyproject.toml")
    return None if table is None else _checked(table, folder)


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Say which known word was probably meant, as the end of a sentence; nothing when none is near."""
    found = get_close_matches(word, known, n=len(known))
    if not found:
        return ""
    # A code is more like those of its group than its letters say.
    best = max(found, key=lambda other: _shared_beginning(word, other))
    return f"; did you mean {best!r}?"


def _shared_beginning(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _read_table(file: Path) -> object | None:
    if not file.is_file():
        return None
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LintError(f"{file} cannot be read: {error}") from error
    table: object = document
    for key in ("tool", "holdfast", "lint"):
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    return table


def _checked(table: object, root: Path) -> Config:
    where = f"[tool.holdfast.lint] in {root / 'pyproject.toml'}"
    if not isinstance(table, dict):
        raise LintError(f"{where} must be a table")
    unknown = sorted(set(table) - set(KEYS))
    if unknown:
        guess = nearest(unknown[0], KEYS)
        raise LintError(
            f"{where} has an unknown key {unknown[0]!r}{guess or '; known: ' + ', '.join(KEYS)}"
        )
    read: dict[str, Any] = {
        key.replace("-", "_"): READERS[key](value, f"{where}: {key}")
        for key, value in table.items()
    }
    if "baseline" in read:
        read["baseline"] = root / read["baseline"]
    return Config(root=root, where=where, **read)


def _texts(value: object, where: str, *, such: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise LintError(f"{where} must be a list of strings such as {such}")
    return tuple(value)


def _paths(value: object, where: str) -> tuple[str, ...]:
    return _texts(value, where, such="['examples/old']")


def _codes(value: object, where: str) -> tuple[str, ...]:
    return _texts(value, where, such="['HF1', 'HF602', 'wall-clock']")


def _path(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise LintError(f"{where} must be a path such as 'lint-baseline.json'")
    return value


def _ignores(value: object, where: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise LintError(f"{where} must be a table such as {{ 'tests/**' = ['HF6'] }}")
    return {pattern: _codes(codes, f"{where}: {pattern!r}") for pattern, codes in value.items()}


def _pairs(value: object, where: str, such: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise LintError(f"{where} must be a table such as {such}")
    for name, meaning in value.items():
        if not isinstance(meaning, str):
            raise LintError(f"{where}: {name!r} must be a string, as in {such}")
    return dict(value)


def _severities(value: object, where: str) -> Mapping[str, str]:
    return _pairs(value, where, "{ HF602 = 'info' }")


def _effects(value: object, where: str) -> Mapping[str, str]:
    return _pairs(value, where, "{ 'app.clock.now' = 'pure', 'app.legacy.fetch' = 'HF204' }")


READERS: dict[str, Callable[[object, str], object]] = {
    "baseline": _path,
    "effects": _effects,
    "exclude": _paths,
    "extend-select": _codes,
    "ignore": _codes,
    "per-file-ignores": _ignores,
    "select": _codes,
    "severity": _severities,
}
