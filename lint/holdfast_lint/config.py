"""The table `[tool.holdfast.lint]` of a project's `pyproject.toml`."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from holdfast_lint.diagnostic import LintError

KEYS = ("exclude",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Hold the settings and the folder that their paths are relative to."""

    root: Path
    exclude: tuple[str, ...]

    def excludes(self, path: Path) -> bool:
        """Tell whether `path`, or a folder above it, is excluded."""
        if not path.is_relative_to(self.root):
            return False
        parts = path.relative_to(self.root).parts
        ways = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(fnmatchcase(way, pattern) for pattern in self.exclude for way in ways)


def find_config(start: Path) -> Config:
    """Read the nearest `pyproject.toml` above `start` that has the table.

    Raises:
        LintError: if a file on the way is not TOML or the table does not make sense.
    """
    folder = start if start.is_dir() else start.parent
    for parent in (folder, *folder.parents):
        table = _read_table(parent / "pyproject.toml")
        if table is not None:
            return _checked(table, parent)
    return Config(root=folder, exclude=())


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
        raise LintError(f"{where} has an unknown key {unknown[0]!r}; known: {', '.join(KEYS)}")
    exclude = table.get("exclude", [])
    if not isinstance(exclude, list) or not all(isinstance(item, str) for item in exclude):
        raise LintError(f"{where}: exclude must be a list of strings such as ['examples/old']")
    return Config(root=root, exclude=tuple(item.strip("/") for item in exclude))
