"""One attempt of an activity: run it, and say what became of it."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from holdfast._core.execution import failure_of, trace_of
from holdfast._registry import ActivityDefinition
from holdfast._store.records import ActivityClaim
from holdfast.activity import ActivityInfo, run_attempt
from holdfast.errors import ApplicationError, PayloadError
from holdfast.health import LOST
from holdfast.history import Failure, Json
from holdfast.retry import Retry

log = logging.getLogger("holdfast.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Hold the encoded result of an attempt."""

    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Hold why an attempt failed; `retry_in_ms` None means that the activity has failed for good."""

    failure: Failure
    retry_in_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """Hold why an attempt did not begin: the arguments do not decode, which other code can mend and no retry can."""

    failure: Failure


async def attempt(
    definition: ActivityDefinition,
    claim: ActivityClaim,
    *,
    beat: Callable[[Any], None],
    threads: Executor,
    limit: int,
) -> Succeeded | Failed | Postponed:
    """Run one attempt to its end; the only thing that it raises is the cancellation of the attempt itself."""
    retry = _retry_of(claim.options)
    if retry.max_attempts is not None and claim.attempt > retry.max_attempts:
        lost = Failure(
            type=LOST,
            message="the worker stopped during the last attempt",
            attempts=claim.attempt - 1,
        )
        return Failed(failure=lost, retry_in_ms=None)
    about = ActivityInfo(
        run_id=claim.run_id, seq=claim.seq, activity=claim.name, attempt=claim.attempt,
        idempotency_key=f"{claim.run_id}/{claim.seq}",
    )  # fmt: skip
    timeout_ms = claim.options.get("timeout_ms")
    scope = asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000)
    try:
        args = definition.signature.decode_args(claim.args)
    except PayloadError as error:
        return Postponed(failure=_describe(error, claim))
    try:
        async with scope:
            value = await run_attempt(definition, args, about=about, beat=beat, threads=threads)
    except TimeoutError as error:
        if timeout_ms is not None and scope.expired():
            late = Failure(
                type="TimeoutError",
                message=f"no result within {timeout_ms / 1000:g} s",
                attempts=claim.attempt,
            )
            return _failed(late, retry, claim)
        return _failed(_describe(error, claim), retry, claim)
    except BaseException as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
            raise
        final = isinstance(error, ApplicationError) and error.non_retryable
        return _failed(_describe(error, claim), retry, claim, final=final)
    return _encoded(definition, claim, value, limit)


def _encoded(
    definition: ActivityDefinition, claim: ActivityClaim, value: Any, limit: int
) -> Succeeded | Failed:
    try:
        return Succeeded(result=definition.signature.encode_result(value, limit=limit))
    except PayloadError as error:
        # The effect has happened. Trying again would only repeat it, with the same result.
        return Failed(failure=_describe(error, claim), retry_in_ms=None)


def _failed(failure: Failure, retry: Retry, claim: ActivityClaim, *, final: bool = False) -> Failed:
    ends = final or retry.gives_up(claim.attempt, failure.type)
    return Failed(failure=failure, retry_in_ms=None if ends else retry.delay_ms(claim.attempt))


def _describe(error: BaseException, claim: ActivityClaim) -> Failure:
    log.info(
        "activity %s of run %s, attempt %d: %s",
        claim.name, claim.run_id, claim.attempt, trace_of(error),
    )  # fmt: skip
    plain = failure_of(error)
    return Failure(
        type=plain.type, message=plain.message, attempts=claim.attempt, details=plain.details
    )


def _retry_of(options: dict[str, Any]) -> Retry:
    return Retry(
        max_attempts=options["max_attempts"],
        initial=timedelta(milliseconds=options["initial_ms"]),
        backoff=options["backoff"],
        max_interval=timedelta(milliseconds=options["max_interval_ms"]),
        non_retryable=tuple(options["non_retryable"]),
    )
