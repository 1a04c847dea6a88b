"""Names to functions: what a worker can run, and the fingerprint of the code behind a workflow."""

import ast
import functools
import hashlib
import importlib
import importlib.util
import platform
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from holdfast._signatures import Signature, signature_of
from holdfast.errors import ArgumentError, UnknownWorkflowError
from holdfast.history import Json
from holdfast.limits import Limit
from holdfast.retry import Retry

Effect = Literal["pure", "idempotent", "once"]

_LIBRARIES = frozenset(
    {
        str(Path(sysconfig.get_paths()[key]).resolve())
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    | {str(Path(__file__).resolve().parent)}  # holdfast itself counts by its version
)
_ENTRY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[\w.<>]+)?")


class Definition:
    """Be the base of what `workflow.define` and `activity.define` make; code finds it by this type."""

    def __init__(self, name: str, fn: Callable[..., Any]) -> None:
        self.name = name
        self.fn = fn
        self.__doc__ = fn.__doc__
        self.__name__ = fn.__name__
        self.__qualname__ = fn.__qualname__
        self.__module__ = fn.__module__


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityOptions:
    """Hold how one activity is carried out; `queue` None means the queue of the run."""

    timeout: timedelta | None = None
    schedule_to_start: timedelta | None = None
    schedule_to_close: timedelta | None = None
    heartbeat: timedelta | None = None
    retry: Retry = field(default_factory=Retry)
    queue: str | None = None
    effect: Effect = "idempotent"
    reconcile: Callable[..., Any] | None = None
    limit: Limit | None = None
    priority: int | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the options as the command records them.

        The limits that there were not from the beginning stand there only when they are set: so the histories from
        before them show no drift.
        """
        later: dict[str, Json] = {
            "schedule_to_start_ms": _in_ms(self.schedule_to_start),
            "schedule_to_close_ms": _in_ms(self.schedule_to_close),
            "heartbeat_ms": _in_ms(self.heartbeat),
            "reconcile": True if self.reconcile is not None else None,
            "limit": None if self.limit is None else self.limit.to_json(),
            "priority": self.priority,
        }
        return {
            "timeout_ms": _in_ms(self.timeout),
            "queue": self.queue,
            "effect": self.effect,
            **self.retry.to_json(),
            **{name: value for name, value in later.items() if value is not None},
        }


def _in_ms(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration / timedelta(milliseconds=1))


@dataclass(frozen=True, kw_only=True)
class ActivityDefinition:
    """Describe an activity to the core and to workers."""

    name: str
    fn: Callable[..., Any]
    options: ActivityOptions
    unstable_args: bool = False

    @functools.cached_property
    def recorded_options(self) -> Mapping[str, Json]:
        """Return the options as each of its commands records them; copy them, nobody may change these."""
        return self.options.to_json()

    @functools.cached_property
    def signature(self) -> Signature:
        """Return how its arguments and result are encoded."""
        return signature_of(self.fn, name=self.name)


@dataclass(frozen=True, kw_only=True)
class WorkflowDefinition:
    """Describe a workflow to the core and to workers."""

    name: str
    fn: Callable[..., Any]
    fails_on: tuple[type[Exception], ...] = ()
    retired_patches: frozenset[str] = frozenset()
    declared_patches: frozenset[str] = frozenset()
    retry_budget: int | None = None

    @functools.cached_property
    def signature(self) -> Signature:
        """Return how its arguments and result are encoded."""
        return signature_of(self.fn, name=self.name)

    @property
    def entry(self) -> str:
        """Return `module:name`, by which another process finds the code."""
        return f"{self.fn.__module__}:{self.fn.__qualname__}"

    @functools.cached_property
    def fingerprint(self) -> str:
        """Return a digest of the source files that this workflow's module is made of.

        It covers the module, every module of the same project that it imports, directly or not, and the release of
        holdfast. Other libraries do not count. Two workers with the same fingerprint answer a history in the same way.
        """
        digest = hashlib.sha256(
            f"{self.name} {self.fn.__qualname__} {version('holdfast')}".encode()
        )
        for name, file in self._files:
            digest.update(name.encode())
            digest.update(file.path.read_bytes())
        return digest.hexdigest()[:12]

    @functools.cached_property
    def patches(self) -> frozenset[str]:
        """Return the ids of the patches that this code knows.

        Those are the texts that the files behind the fingerprint give to `patched`, and the ids that the decorator names.
        """
        written = (patch for _, file in self._files for patch in file.patches)
        return frozenset(written) | self.declared_patches | self.retired_patches

    @property
    def has_files(self) -> bool:
        """Tell whether the fingerprint says anything: code made by `exec` or typed at a prompt has no files."""
        return bool(self._files)

    @functools.cached_property
    def _files(self) -> list[tuple[str, "_File"]]:
        return _project_files(self.fn.__module__)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    imports: set[str]
    patches: set[str]


def python_minor() -> str:
    """Return the minor version of this Python, such as `3.12`."""
    return ".".join(platform.python_version_tuple()[:2])


def on_this_python(fingerprint: str) -> str:
    """Return a fingerprint of code together with the Python that runs it, which has nothing in common with the code's."""
    return hashlib.sha256(f"{fingerprint} {python_minor()}".encode()).hexdigest()[:12]


def _project_files(root: str) -> list[tuple[str, _File]]:
    """Return the modules of the project that a module is made of, by following the imports in their source."""
    found: dict[str, _File] = {}
    todo = [root]
    while todo:
        name = todo.pop()
        path = None if name in found else _project_file(name, root)
        if path is not None:
            found[name] = _scan(name, path)
            todo.extend(found[name].imports)
    return sorted(found.items(), key=lambda item: item[0])


def _project_file(name: str, root: str) -> Path | None:
    path = _file_of(name)
    if path is None:
        return None
    if name.partition(".")[0] == root.partition(".")[0]:
        return path  # the project itself, also where it is installed as a package
    return None if any(path.is_relative_to(library) for library in _LIBRARIES) else path


def _file_of(name: str) -> Path | None:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None  # a name in an import statement that is not a module, or a module that is not installed
        file = spec.origin if spec is not None else None
    if file is None or not file.endswith(".py") or not Path(file).is_file():
        return None
    return Path(file).resolve()


def _scan(name: str, path: Path) -> _File:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    named: set[str] = set()
    patches: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                if node.level
                else node.module or ""
            )
            named.add(base)
            named.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            patches.update(_patch_in(node))
    return _File(path, {part for full in named for part in _with_parents(full)}, patches)


def _patch_in(call: ast.Call) -> Iterable[str]:
    """Return the id that a call of `patched` gives as a text."""
    if (getattr(call.func, "attr", None) or getattr(call.func, "id", "")) != "patched":
        return ()
    named = [keyword.value for keyword in call.keywords if keyword.arg == "patch"]
    return [
        node.value
        for node in (*call.args[:1], *named)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.isprintable()
    ]  # what is not printable may not even be text that can be stored


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def import_entry(entry: str) -> Any:
    """Return the object that `module:name` or `module` names, or raise `UnknownWorkflowError`."""
    if not _ENTRY.fullmatch(entry):
        raise UnknownWorkflowError(
            f"{entry!r} does not name code. Give a module as Python imports it, without .py or slashes: "
            "`orders`, `my_app.flows` or `my_app.flows:refund`."
        )
    module_name, _, attribute = entry.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(
            0, str(Path.cwd())
        )  # as `python -m` does: what a person types is relative to where they are
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise UnknownWorkflowError(
                f"There is no module {module_name!r}. Run the command from the folder that contains it, "
                "or put that folder on PYTHONPATH."
            ) from None
        raise UnknownWorkflowError(_import_failure(module_name, error)) from error
    except Exception as error:
        raise UnknownWorkflowError(_import_failure(module_name, error)) from error
    for part in attribute.split(".") if attribute else ():
        if not hasattr(found, part):
            raise UnknownWorkflowError(
                f"Module {module_name!r} has no {attribute!r}: {_known(found)}."
            )
        found = getattr(found, part)
    return found


def _import_failure(module: str, error: Exception) -> str:
    if isinstance(error, SyntaxError):
        place = f"{error.filename}:{error.lineno}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else module
    return f"Importing {module!r} failed at {place}: {type(error).__name__}: {error}. Correct it and try again."


def _known(module: Any) -> str:
    names = sorted(key for key, value in vars(module).items() if isinstance(value, Definition))
    return f"it defines {', '.join(names)}" if names else "it defines no workflow"


def definitions_in(modules: Iterable[ModuleType]) -> list[Definition]:
    """Return every workflow and activity that the modules define or import, once each."""
    found: dict[int, Definition] = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Definition):
                found.setdefault(id(value), value)
    return list(found.values())


def reachable_definitions(module: ModuleType) -> list[Definition]:
    """Return what a module defines or imports, and what the modules that it names define."""
    named = [value for value in vars(module).values() if isinstance(value, ModuleType)]
    return definitions_in([module, *named])


def by_name(definitions: Iterable[Any], *, what: str) -> dict[str, Any]:
    """Index definitions by name, or raise `ArgumentError` when two have the same."""
    table: dict[str, Any] = {}
    for definition in definitions:
        other = table.setdefault(definition.name, definition)
        if (
            other.fn is not definition.fn
        ):  # the same function with other options is the same activity
            raise ArgumentError(
                f"Two {what} are called {definition.name!r}: {other.fn.__module__}.{other.fn.__qualname__} and "
                f"{definition.fn.__module__}.{definition.fn.__qualname__}. Give one of them another name=."
            )
    return table
