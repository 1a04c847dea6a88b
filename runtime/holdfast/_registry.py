"""Names to functions: what a worker can run, and the fingerprint of the code behind a workflow."""

import functools
import hashlib
import importlib
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from holdfast.codec import Signature, signature_of
from holdfast.errors import ArgumentError, UnknownWorkflowError
from holdfast.history import Json
from holdfast.retry import Retry

Effect = Literal["pure", "idempotent"]


class Definition:
    """Be the base of what `workflow.define` and `activity.define` make; code finds it by this type."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityOptions:
    """Hold how one activity is carried out; `queue` None means the queue of the run."""

    timeout: timedelta | None = None
    retry: Retry = field(default_factory=Retry)
    queue: str | None = None
    effect: Effect = "idempotent"

    def to_json(self) -> dict[str, Json]:
        """Return the options as the command records them."""
        return {
            "timeout_ms": None
            if self.timeout is None
            else round(self.timeout / timedelta(milliseconds=1)),
            "queue": self.queue,
            "effect": self.effect,
            "max_attempts": self.retry.max_attempts,
            "initial_ms": round(self.retry.initial / timedelta(milliseconds=1)),
            "backoff": self.retry.backoff,
            "max_interval_ms": round(self.retry.max_interval / timedelta(milliseconds=1)),
            "non_retryable": list(self.retry.non_retryable),
        }


@dataclass(frozen=True, kw_only=True)
class ActivityDefinition:
    """Describe an activity to the core and to workers."""

    name: str
    fn: Callable[..., Any]
    options: ActivityOptions

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

        It covers the module and every module of the same project that it uses, directly or not. Two workers with
        the same fingerprint would answer a history in the same way.
        """
        digest = hashlib.sha256(self.name.encode())
        for name, path in _project_files(self.fn.__module__):
            digest.update(name.encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]


def _project_files(root: str) -> list[tuple[str, Path]]:
    found: dict[str, Path] = {}
    todo = [root]
    while todo:
        name = todo.pop()
        module = sys.modules.get(name)
        path = None if module is None else _project_file(module)
        if module is None or path is None or name in found:
            continue
        found[name] = path
        todo.extend(_mentioned(module))
    return sorted(found.items())


def _project_file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    if file is None or not file.endswith(".py") or not Path(file).is_file():
        return None
    path = Path(file).resolve()
    libraries = {
        sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    libraries.add(
        str(Path(__file__).resolve().parent)
    )  # holdfast itself is versioned by flags, not by digest
    return None if any(path.is_relative_to(library) for library in libraries) else path


def _mentioned(module: ModuleType) -> set[str]:
    names = set()
    for value in vars(module).values():
        if isinstance(value, ModuleType):
            names.add(value.__name__)
        elif isinstance(value, Definition):
            names.add(getattr(value, "__module__", ""))
        elif inspect.isfunction(value) or inspect.isclass(value):
            names.add(value.__module__)
    return names


def import_entry(entry: str) -> Any:
    """Return the object that `module:name` or `module` names, or raise `UnknownWorkflowError`."""
    module_name, _, attribute = entry.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(
            0, str(Path.cwd())
        )  # as `python -m` does: what a person types is relative to where they are
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise UnknownWorkflowError(
            f"There is no module {module_name!r}. Run the command from the folder that contains it, "
            "or put that folder on PYTHONPATH."
        ) from None
    for part in attribute.split(".") if attribute else ():
        if not hasattr(found, part):
            raise UnknownWorkflowError(
                f"Module {module_name!r} has no {attribute!r}: {_known(found)}."
            )
        found = getattr(found, part)
    return found


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


def by_name(definitions: Iterable[Any], *, what: str) -> dict[str, Any]:
    """Index definitions by name, or raise `ArgumentError` when two have the same."""
    table: dict[str, Any] = {}
    for definition in definitions:
        other = table.setdefault(definition.name, definition)
        if other is not definition:
            raise ArgumentError(
                f"Two {what} are called {definition.name!r}: {other.fn.__module__}.{other.fn.__qualname__} and "
                f"{definition.fn.__module__}.{definition.fn.__qualname__}. Give one of them another name=."
            )
    return table
