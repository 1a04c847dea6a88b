"""One attempt of an activity, or one call of its probe: run it, and say what became of it."""

import asyncio
import inspect
import random
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeAlias

from holdfast._core.failures import failure_of, text_of, trace_of
from holdfast._masking import logger, masked
from holdfast._registry import ActivityDefinition
from holdfast._store.records import ActivityClaim
from holdfast._store.scheduling import running_limit_ms
from holdfast.activity import ActivityInfo, Happened, NotHappened, run_attempt
from holdfast.errors import ApplicationError, ForbiddenCallError, PayloadError
from holdfast.history import Failure, Json
from holdfast.retry import asked_pause_ms, kinds_of, retry_of

log = logger("holdfast.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Hold the encoded result of an attempt, or of a probe that found the effect."""

    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Hold why an attempt failed; `retry_in_ms` None means that no attempt follows.

    `unknown` says that the effect may have happened all the same.
    """

    failure: Failure
    retry_in_ms: int | None
    unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Say that the probe knows that the effect has not happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Hold why a probe could not tell, and whether asking it again may help."""

    why: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """Hold why an attempt did not begin: the arguments do not decode, which other code can mend and no retry can."""

    failure: Failure


Outcome: TypeAlias = Succeeded | Failed | Absent | Undecided | Postponed


@dataclass(frozen=True, slots=True)
class _Returned:
    value: Any


async def attempt(
    definition: ActivityDefinition,
    claim: ActivityClaim,
    *,
    beat: Callable[[Any, Any], None],
    threads: Executor,
    limit: int,
) -> Outcome:
    """Run what a claim is for to its end; the only thing that it raises is the cancellation of the claim itself."""
    if claim.probe:
        return await _probe(definition, claim, beat, threads)
    outcome = await _attempt(definition, claim, beat, threads)
    return (
        _encoded(definition, claim, outcome.value, limit)
        if isinstance(outcome, _Returned)
        else outcome
    )


async def _attempt(
    definition: ActivityDefinition,
    claim: ActivityClaim,
    beat: Callable[[Any, Any], None],
    threads: Executor,
) -> _Returned | Failed | Postponed:
    try:
        args = definition.signature.decode_args(claim.args)
    except (
        PayloadError,
        ForbiddenCallError,
    ) as error:  # a type may ask for what only a workflow has
        return Postponed(failure=_describe(error, claim))
    began = time.monotonic()
    limit_ms = running_limit_ms(claim.options, probe=False)
    scope = asyncio.timeout(None if limit_ms is None else limit_ms / 1000)
    try:
        async with scope:
            value = await run_attempt(
                definition.fn, args, about=_about(claim), beat=beat, threads=threads
            )
    except BaseException as error:
        if _is_cancelled(error):
            raise
        if limit_ms is not None and isinstance(error, TimeoutError) and scope.expired():
            error = TimeoutError(f"no result within {limit_ms / 1000:g} s")
        elapsed_ms = round((time.monotonic() - began) * 1000)
        return _failed(error, claim, now_ms=claim.started_at + elapsed_ms)
    return _Returned(value)


def _is_cancelled(error: BaseException) -> bool:
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or bool(task.cancelling()))


def _failed(error: BaseException, claim: ActivityClaim, *, now_ms: int) -> Failed:
    failure = _describe(error, claim)
    policy = retry_of(claim.options)
    refused = isinstance(error, ApplicationError)
    ends = (refused and getattr(error, "non_retryable", False)) or policy.gives_up(
        claim.attempt, failure.type, kinds_of(error)
    )
    asked = asked_pause_ms(error, now_ms=now_ms)
    pause = (
        policy.delay_ms(claim.attempt, draw=random.random()) if asked is None else asked  # noqa: S311 - spreads load
    )
    return Failed(failure=failure, retry_in_ms=None if ends else pause, unknown=not refused)


def _encoded(
    definition: ActivityDefinition, claim: ActivityClaim, value: Any, limit: int
) -> Succeeded | Failed:
    try:
        return Succeeded(result=definition.signature.encode_result(value, limit=limit))
    except PayloadError as error:
        # The effect has happened. Trying again would only repeat it, with the same result.
        return Failed(failure=_describe(error, claim), retry_in_ms=None, unknown=False)


async def _probe(
    definition: ActivityDefinition,
    claim: ActivityClaim,
    beat: Callable[[Any, Any], None],
    threads: Executor,
) -> Succeeded | Absent | Undecided:
    fn = definition.options.reconcile
    if fn is None:
        return Undecided(why="the worker's code has no reconcile function any more", again=False)
    limit_ms = running_limit_ms(claim.options, probe=True)
    try:
        args = definition.signature.decode_args(claim.args)
        async with asyncio.timeout(None if limit_ms is None else limit_ms / 1000):
            answer = await run_attempt(fn, args, about=_about(claim), beat=beat, threads=threads)
    except BaseException as error:
        if _is_cancelled(error):
            raise
        log.info("the probe of activity %s of run %s: %s", claim.name, claim.run_id, trace_of(error))  # fmt: skip
        return Undecided(
            why=f"its probe raised {type(error).__name__}: {masked(text_of(error))}", again=True
        )
    return _read(definition, fn, answer)


def _read(
    definition: ActivityDefinition, fn: Callable[..., Any], answer: Any
) -> Succeeded | Absent | Undecided:
    match answer:
        case Happened():
            try:
                return Succeeded(result=definition.signature.encode_result(answer.result))
            except PayloadError as error:
                return Undecided(
                    why=f"its probe found the effect, and {error.message}", again=False
                )
        case NotHappened():
            return Absent()
        case None:
            return Undecided(why="its probe cannot tell whether it happened", again=False)
        case _:
            if inspect.isawaitable(answer):
                getattr(answer, "close", lambda: None)()
            return Undecided(
                why=f"its probe {fn.__name__} answered {answer!r:.200}; expected Happened(result), NotHappened() or None",
                again=False,
            )  # fmt: skip


def _about(claim: ActivityClaim) -> ActivityInfo:
    return ActivityInfo(
        run_id=claim.run_id, seq=claim.seq, activity=claim.name, attempt=claim.attempt,
        idempotency_key=claim.key, heartbeat_details=claim.details,
    )  # fmt: skip


def _describe(error: BaseException, claim: ActivityClaim) -> Failure:
    log.info(
        "activity %s of run %s, attempt %d: %s",
        claim.name, claim.run_id, claim.attempt, trace_of(error),
    )  # fmt: skip
    plain = failure_of(error)
    return Failure(
        type=plain.type,
        message=masked(plain.message),
        attempts=claim.attempt,
        details=plain.details,
    )
