"""holdfast's own API."""

from holdfast_lint.dialect import Role

ROLES: dict[str, Role] = {
    "holdfast.workflow.define": "workflow",
    "holdfast.activity.define": "activity",
}

AWAITABLES = frozenset(
    {
        "asyncio.gather",
        "asyncio.sleep",
        "asyncio.wait",
        "asyncio.wait_for",
        "holdfast.workflow.Signal().receive",
        "holdfast.workflow.approval",
        "holdfast.workflow.approvals",
        "holdfast.workflow.sleep",
        "holdfast.workflow.wait_until",
    }
)

# Durable calls that are named by one of their arguments.
IDENTITIES: dict[str, frozenset[int | str]] = {
    "holdfast.workflow.patched": frozenset({0, "patch_id"}),
    "holdfast.workflow.start_child": frozenset({"id"}),
    "holdfast.workflow.run_child": frozenset({"id"}),
}

ADVICE = {
    "now": "use `workflow.now()`, which gives every replay the same time",
    "elapsed": "measure time inside an activity, or subtract two `workflow.now()`",
    "random": "use `workflow.random()`, which gives every replay the same numbers",
    "uuid": "use `workflow.uuid4()`, which gives every replay the same id",
    "sleep": "use `await workflow.sleep(...)` or `await asyncio.sleep(...)`, a durable timer that holds no worker",
    "wait": "await an activity, a signal, or an event, a lock or a queue of asyncio",
    "zone": "say which zone: `workflow.now()` is in UTC, and `astimezone(ZoneInfo(...))` goes from there",
    "logger": "use `workflow.logger`, which stays silent during replay",
    "activity": "move it into a function with `@activity.define` and await that; its result is recorded once",
    "input": "read it where the run is started and pass it as an argument, or read it in an activity",
    "order": "keep what the run has to remember in its own variables, in a list or a dict",
    "visible": "write the call out, so that the checker can follow it",
}


class HoldfastDialect:
    """Know `holdfast.workflow` and `holdfast.activity`."""

    name = "holdfast"
    packages = frozenset({"holdfast"})
    refuses = True

    def role(self, name: str) -> Role | None:
        """Know the two `define` decorators."""
        return ROLES.get(name)

    def rebinds(self, attribute: str) -> bool:
        """Know `with_options`."""
        return attribute == "with_options"

    def is_awaitable(self, name: str) -> bool:
        """Know the waits of holdfast, and those of asyncio that its event loop makes durable."""
        return name in AWAITABLES

    def identity(self, name: str) -> frozenset[int | str] | None:
        """Know the calls that write to the history."""
        return IDENTITIES.get(name, frozenset() if name in AWAITABLES else None)

    def is_log(self, name: str) -> bool:
        """Know the logger of a run."""
        return name.startswith("holdfast.workflow.logger.")

    def advice(self, remedy: str) -> str:
        """Name holdfast's replacement."""
        return ADVICE[remedy]
