"""How a running workflow talks with the world: signals, updates, published values, conditions, attributes.

`holdfast.workflow` is their public name.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from holdfast._arguments import check_duration, check_kind, check_text, check_type, refuse
from holdfast._core.execution import required
from holdfast._core.facts import note_type
from holdfast._core.sites import call_site
from holdfast._core.updates import UpdateHandler
from holdfast.clock import milliseconds
from holdfast.codec import decode, encode, encode_as
from holdfast.errors import ArgumentError
from holdfast.history import Json, PublishValue, SendSignal, SetAttributes

T = TypeVar("T")
R = TypeVar("R")
_MAX_NAME = 200
_MAX_TEXT = 2_000


class Signal(Generic[T]):
    """Be a kind of message that runs receive: `paid = workflow.Signal("paid", Payment)` beside the workflow.

    Signals wait in the run, in order, until code takes them; each is delivered once however often it was sent with
    the same message id, and those that a run has not taken go with it when it continues as new.
    """

    def __init__(self, name: str, type: type[T]) -> None:  # noqa: A002 - what it is
        self.name = _checked_name("Signal", name)
        check_type(f"Signal {name}", "type", type)
        self.type = type

    def __repr__(self) -> str:
        return f"<signal {self.name}>"

    async def receive(self, *, timeout: timedelta | None = None) -> T:  # noqa: ASYNC109 - a durable deadline
        """Wait for the next message; `TimeoutError` when none comes within `timeout`."""
        execution = required(f"Receiving the signal {self.name}")
        waiting = self.receive_now()
        if waiting is not None:
            return waiting[0]
        site = call_site()
        if timeout is None:
            return cast("T", await execution.receive(self.name, self._decode, site, None))
        limit = checked_timeout(f"Signal {self.name}", timeout)
        async with asyncio.timeout(limit / 1000):
            return cast("T", await execution.receive(self.name, self._decode, site, limit))

    def receive_now(self) -> tuple[T] | None:
        """Return the next message in a tuple, or None when none has come."""
        execution = required(f"Receiving the signal {self.name}")
        execution.accept("signal", self.name, self.type)
        letter = execution.mailbox.take_now(self.name)
        return None if letter is None else (execution.read_letter(letter, self._decode),)

    async def __aiter__(self) -> AsyncIterator[T]:
        """Receive messages for ever."""
        while True:
            yield await self.receive()

    async def send(self, run_id: str, value: T) -> None:
        """Send a message to another run from workflow code; `SignalError` when that run is not open.

        From outside workflows use `client.signal`.
        """
        execution = required(f"Sending the signal {self.name}")
        check_text(f"Signal {self.name}", "run_id", run_id, what="the id of a run")
        payload = execution.encoding.limited(self.encode, value)

        def command(seq: int, site: str) -> SendSignal:
            return SendSignal(seq=seq, site=site, target=run_id, name=self.name, payload=payload)

        _, delivered = execution.ask(command, lambda tree: tree)
        await delivered

    def encode(self, value: T, *, limit: int | None = None) -> Json:
        """Return a message as its payload."""
        return encode(value, self.type, what=f"Signal {self.name}", limit=limit)

    def _decode(self, payload: Json) -> Any:
        return decode(payload, self.type, what=f"Signal {self.name}")


class Update(Generic[T, R]):
    """Be a kind of request that a run answers: `move = workflow.Update("move", Square, Board)` beside the workflow.

    A request that comes before its handler waits for it. A run that returns, or continues as new, first answers the
    requests that its handlers have taken.
    """

    def __init__(self, name: str, request: type[T], reply: type[R]) -> None:
        self.name = _checked_name("Update", name)
        check_type(f"Update {name}", "request", request)
        check_type(f"Update {name}", "reply", reply)
        self.request = request
        self.reply = reply

    def __repr__(self) -> str:
        return f"<update {self.name}>"

    def handle(
        self,
        answer: Callable[[T], Awaitable[R]] | Callable[[T], R],
        *,
        check: Callable[[T], object] | None = None,
    ) -> Callable[[T], Awaitable[R]] | Callable[[T], R]:
        """Let a function of the workflow answer the requests; also a decorator.

        Args:
            answer: Gets the request and returns the reply; it may await activities. `ApplicationError` refuses.
            check: Refuses a request by raising, before anything is done.
        """
        execution = required(f"Handling the update {self.name}")
        if not callable(answer):
            refuse(f"Update {self.name}", "answer", answer, "a function that takes the request")
        if check is not None and not callable(check):
            refuse(f"Update {self.name}", "check", check, "a function that takes the request")
        if inspect.iscoroutinefunction(check):
            refuse(
                f"Update {self.name}", "check", check,
                "a plain function that takes the request and raises for what it refuses; an `async def` would not be awaited",
            )  # fmt: skip

        async def call(value: Any) -> Any:
            result = answer(value)
            return await result if inspect.isawaitable(result) else result

        site = call_site()
        execution.accept("update", self.name, self.request)
        if self.name not in execution.updates.handled:
            execution.parking.enter("update", self.name, site, execution.now_ms)
        execution.updates.handle(
            UpdateHandler(
                name=self.name,
                site=site,
                answer=call,
                check=check,
                decode=lambda tree: decode(tree, self.request, what=f"Update {self.name}"),
                encode=lambda reply: execution.encoding.limited(
                    encode, reply, self.reply, what=f"The reply to {self.name}"
                ),
            )
        )
        return answer

    def encode(self, value: T, *, limit: int | None = None) -> Json:
        """Return a request as its payload."""
        return encode(value, self.request, what=f"Update {self.name}", limit=limit)

    def decode_reply(self, tree: Json) -> R:
        """Return a reply as a value."""
        return cast("R", decode(tree, self.reply, what=f"The reply to {self.name}"))


def declared_by(fn: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the messages that stand beside a function: by `signal NAME` or `update NAME`.

    A name that stands for two types there says nothing.
    """
    scope = fn.__globals__
    modules = [vars(value) for value in scope.values() if isinstance(value, ModuleType)]
    found: dict[str, Any] = {}
    for value in (value for names in (scope, *modules) for value in list(names.values())):
        if isinstance(value, Signal):
            note_type(found, f"signal {value.name}", value.type)
        elif isinstance(value, Update):
            note_type(found, f"update {value.name}", value.request)
    return found


async def wait_until(
    predicate: Callable[[], bool],
    description: str,
    *,
    timeout: timedelta | None = None,  # noqa: ASYNC109 - a durable deadline
) -> None:
    """Wait until a predicate over the workflow's own state holds; `TimeoutError` when it does not in time.

    Args:
        predicate: Looks at variables, and does nothing else. It is asked after each event, when all has settled.
        description: What is waited for, as people read it on the dashboard: "stock is reserved".
        timeout: How long to wait; None waits for ever.
    """
    execution = required("workflow.wait_until()")
    _check_predicate(predicate)
    check_text("wait_until", "description", description, what="as people read it")
    limit = None if timeout is None else checked_timeout("wait_until", timeout)
    site, since = call_site(), execution.now_ms
    async with asyncio.timeout(None) as scope:
        if limit is not None and not execution.conditions.holds(predicate):
            scope.reschedule(asyncio.get_running_loop().time() + limit / 1000)
        with execution.parking.during("condition", description, site, since, limit):
            await execution.conditions.wait(predicate)


def _check_predicate(predicate: object) -> None:
    expected = (
        "a function without arguments that looks at the workflow's state, for example lambda: done"
    )
    if not callable(predicate):
        refuse("wait_until", "predicate", predicate, expected)
    if inspect.iscoroutinefunction(predicate):
        refuse("wait_until", "predicate", predicate, f"{expected}; not an `async def` function")


def publish(key: str, value: Any, *, type: Any = None) -> None:  # noqa: A002 - what it is
    """Let everybody read a value under a key, also when no worker runs: `client.query(run_id, key)`.

    `type` is what the value is written as, for one that is not plain JSON, such as a set or a list of models;
    `client.query(run_id, key, type=…)` reads it as that. A model or dataclass has its own.
    """
    execution = required("workflow.publish()")
    name = _checked_name("workflow.publish", key)
    tree = execution.encoding.limited(
        encode_as, value, type, what=f"The published value {name}",
        call=f"workflow.publish({name!r}, …, type=set[int])",
    )  # fmt: skip
    execution.issue(lambda seq, site: PublishValue(seq=seq, site=site, key=name, value=tree))


def set_attributes(attributes: Mapping[str, str | int | float | bool | None]) -> None:
    """Set the attributes by which runs are found, `client.list(where={"customer": "acme"})`; None removes one."""
    execution = required("workflow.set_attributes()")
    checked = checked_attributes(attributes)
    execution.issue(lambda seq, site: SetAttributes(seq=seq, site=site, attributes=checked))


def checked_attributes(attributes: Mapping[str, Any]) -> dict[str, Json]:
    """Return attributes as they are recorded, or raise `ArgumentError`."""
    check_kind(
        "The attributes of a run", "attributes", attributes, Mapping,
        'a dict, for example {"customer": "acme"}',
    )  # fmt: skip
    for key, value in attributes.items():
        _checked_name("An attribute", key)
        if key != key.strip() or set(key) & set("<>=!"):
            raise ArgumentError(
                f"Attribute {key!r}: a key neither begins nor ends with a space, nor holds < > = or !, because "
                '`where={"amount >=": 100}` would not find it.'
            )
        if value is not None and not isinstance(value, str | int | float | bool):
            raise ArgumentError(
                f"Attribute {key!r} is {value!r}; expected a str, int, float, bool, or None to remove it."
            )
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ArgumentError(
                f"Attribute {key!r} is an integer of {value.bit_length()} bits; expected at most 63. Use a str."
            )
        if isinstance(value, str) and len(value) > _MAX_TEXT:
            raise ArgumentError(
                f"Attribute {key!r} has {len(value):,} characters; expected at most {_MAX_TEXT:,}. "
                "Attributes are for finding runs: publish long values instead."
            )
    return {
        key: encode(attributes[key], Any, what=f"Attribute {key}") for key in sorted(attributes)
    }


def _checked_name(what: str, name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME or not _is_text(name):
        raise ArgumentError(
            f"{what}: name {name!r}; expected a str of 1 to {_MAX_NAME} characters."
        )
    return name


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name


def checked_timeout(what: str, timeout: timedelta) -> int:
    """Return a time limit in milliseconds, or raise `ArgumentError`."""
    check_duration(what, "timeout", timeout)
    return milliseconds(timeout)
