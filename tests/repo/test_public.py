"""The public surface, the sizes and the contracts of the repository stay what they are said to be."""

import ast
import inspect
import pickle
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast import errors
from holdfast.health import CODES

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for part in ("runtime", "lint", "testkit", "dashboard", "examples/research_agent")
    for path in (ROOT / part).rglob("*.py")
    if "migrations" not in path.parts
)
LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES: dict[str, str] = {}


def test_the_public_names_are_these() -> None:
    assert holdfast.__all__ == sorted(holdfast.__all__)
    assert set(holdfast.__all__) == {
        "ActivityError", "ApplicationError", "ApprovalTimeoutError", "Client", "HoldfastError", "Limit", "Rate", "Retry",
        "RunHandle", "Worker", "activity", "workflow",
    }  # fmt: skip


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_and_no_function_is_too_long_to_read(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    text = path.read_text()
    too_long = [
        f"{name}:{node.lineno} {node.name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _body_lines(node) > 60
        and f"{name}:{node.name}" not in LONG_FUNCTIONS
    ]

    assert too_long == []
    assert len(text.splitlines()) <= 600 or name in LONG_FILES


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_the_contract_of_lint_names_every_module_but_errors_and_those_of_the_history() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contract = next(c for c in settings["contracts"] if c["id"] == "lint-is-light")
    modules = {
        f"holdfast.{path.stem}" if path.suffix else f"holdfast.{path.name}"
        for path in (ROOT / "runtime" / "holdfast").iterdir()
        if path.name not in {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    }

    assert set(contract["forbidden_modules"]) == modules - {
        "holdfast.history",
        "holdfast._commands",  # a part of history, and private to the runtime
        "holdfast._events",
        "holdfast.errors",
    }


ERRORS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, errors.HoldfastError)
]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_survives_pickle_with_what_it_carries(error: Any) -> None:
    extra = {
        name: f"the {name}" for name in inspect.signature(error).parameters if name != "message"
    }

    copy = pickle.loads(pickle.dumps(error("what happened", **extra)))

    assert type(copy) is error
    assert str(copy) == copy.message == "what happened"
    assert {name: getattr(copy, name) for name in extra} == extra


def test_every_error_stands_in_the_tree_of_the_module() -> None:
    drawn = set(re.findall(r"\b(\w+Error)\b", errors.__doc__ or ""))

    assert {error.__name__ for error in ERRORS} == drawn


def test_every_health_code_is_documented_with_its_badge() -> None:
    rows = re.findall(
        r"^\| `([\w.]+)` \| ([^|]+) \|",
        (ROOT / "docs/reference/health.md").read_text(),
        re.MULTILINE,
    )

    assert dict(rows) == {code.code: code.label for code in CODES.values()}


def test_no_document_or_source_names_a_path_of_a_machine() -> None:
    named = [
        str(path.relative_to(ROOT))
        for pattern in ("*.py", "*.md", "*.toml", "*.html", "*.css")
        for path in ROOT.rglob(pattern)
        if not {".venv", ".venv-matrix"} & set(path.parts) and re.search(r"/(?:work|root|home)/\w", path.read_text(errors="ignore"))
        and path != Path(__file__)
    ]  # fmt: skip

    assert named == []
