"""The decorator that makes a function a workflow, and what it makes. `holdfast.workflow` is their public name."""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar, overload

from holdfast._arguments import check_text, checked_list, refuse
from holdfast._core.execution import required
from holdfast._registry import Definition, WorkflowDefinition, import_entry
from holdfast.errors import ArgumentError, UnknownWorkflowError
from holdfast.retry import check_retry_budget

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Workflow(Definition, Generic[P, R_co]):
    """Be a function that runs durably; start it with `client.start(my_workflow, …)`.

    Called inside another workflow it runs as a part of that one. `fn` is the plain function.
    """

    def __init__(self, definition: WorkflowDefinition) -> None:
        super().__init__(definition.name, definition.fn)
        self.definition = definition

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]:
        """Run as a part of the calling workflow."""
        required(f"Calling the workflow {self.name} directly")
        coroutine: Coroutine[Any, Any, R_co] = self.fn(*args, **kwargs)
        return coroutine


def checked_workflow(where: str, given: Workflow[P, R]) -> Workflow[P, R]:
    """Return a workflow, or raise `ArgumentError` for anything else."""
    if not isinstance(given, Workflow):
        refuse(where, "workflow", given, "a function decorated with @workflow.define")
    return given


@overload
def define(fn: Callable[P, Coroutine[Any, Any, R]], /) -> Workflow[P, R]: ...
@overload
def define(
    *,
    name: str | None = None,
    fails_on: tuple[type[Exception], ...] = (),
    patches: tuple[str, ...] = (),
    retired_patches: tuple[str, ...] = (),
    retry_budget: int | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Workflow[P, R]]: ...


def define(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    fails_on: tuple[type[Exception], ...] = (),
    patches: tuple[str, ...] = (),
    retired_patches: tuple[str, ...] = (),
    retry_budget: int | None = None,
) -> Any:
    """Make an `async def` function a workflow.

    Args:
        fn: The function, when the decorator is used without arguments.
        name: What histories call it; the function's name by default. Renaming breaks open runs.
        fails_on: Exceptions that fail the run, besides those of holdfast. Any other exception is a bug: it blocks the
            run, which continues when corrected code is deployed.
        patches: Patches whose ids the code computes; those that it writes out as texts are found without this.
        retired_patches: Patches whose old branch and call are gone from the code.
        retry_budget: How many retries all activities of a run may have together; None sets no limit.
    """
    check_retry_budget(retry_budget, "workflow.define")
    check_text("workflow.define", "name", name, optional=True)
    failures = checked_list("workflow.define", "fails_on", fails_on, type, "exception classes")
    for kind in failures:
        if not issubclass(kind, Exception):
            refuse("workflow.define", "fails_on", kind, "a list of exception classes")
    known = checked_list("workflow.define", "patches", patches, str, "ids of patches")
    retired = checked_list(
        "workflow.define", "retired_patches", retired_patches, str, "ids of patches"
    )
    both = sorted({*known} & {*retired})
    if both:
        raise ArgumentError(
            f"workflow.define: {', '.join(both)} is in patches and in retired_patches; a retired patch has no call any more."
        )

    def make(function: Callable[..., Any]) -> Workflow[..., Any]:
        if not inspect.iscoroutinefunction(function):
            raise ArgumentError(
                f"@workflow.define needs an `async def` function; {function!r} is not one."
            )
        return Workflow(
            WorkflowDefinition(
                name=name or function.__name__,
                fn=function,
                fails_on=tuple(failures),
                retired_patches=frozenset(retired),
                declared_patches=frozenset(known),
                retry_budget=retry_budget,
            )
        )

    return make if fn is None else make(fn)


def resolve_workflow(given: Workflow[Any, R] | str) -> Workflow[Any, R]:
    """Return the workflow that is given or named as `module:name`, or raise `UnknownWorkflowError`."""
    found = import_entry(given) if isinstance(given, str) else given
    if isinstance(found, Workflow):
        return found
    raise UnknownWorkflowError(
        f"{given!r} is not a workflow. Give a function decorated with @workflow.define, or its name as module:function."
    )
