"""Small workflows that show the order in which each construct of asyncio goes on, variant by variant.

Each calls an activity wherever it goes on, so another order is another command. As in `corpus`, a function is never
changed once its history is recorded.
"""

# `wait_for` and its like are taken before holdfast is imported, as by code that was loaded earlier.
import asyncio
from asyncio import as_completed, gather, shield, wait, wait_for
from collections.abc import Callable, Iterable
from contextvars import ContextVar, copy_context
from typing import Any

from tests.golden.corpus import broken, echo, golden

from holdfast import ActivityError, workflow

EARLY = {"as_completed": as_completed, "gather": gather, "shield": shield, "wait": wait, "wait_for": wait_for}  # fmt: skip


async def say(text: str) -> str:
    return await echo(text)


async def later(seconds: float, text: str) -> str:
    """Say something after a while, and when it is cancelled, that it is."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await echo(f"{text} is cancelled")
        raise
    return await echo(text)


async def fail_later(seconds: float, text: str) -> str:
    await asyncio.sleep(seconds)
    await echo(f"{text} fails")
    raise ValueError(text)


async def outcomes(tasks: Iterable[asyncio.Future[Any]]) -> list[str]:
    """Return how each ended, in the order of the tasks."""
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [f"{type(each).__name__} {each}" if isinstance(each, BaseException) else str(each) for each in found]  # fmt: skip


def tasks_of(*parts: Any) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(part) for part in parts]


async def leaves(error: BaseException) -> list[str]:
    """Say the parts of an exception group."""
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [await echo(f"{type(part).__name__} {part}") for part in parts]


# gather


@golden()
@workflow.define
async def gather_one_fails() -> list[str]:
    slow = tasks_of(later(3, "slow"), later(4, "slower"))
    try:
        await asyncio.gather(*slow, fail_later(1, "quick"), fail_later(2, "second"))
    except ValueError as error:
        await echo(f"raised {error}")
    return await outcomes(slow)


@golden()
@workflow.define
async def gather_cancelled() -> list[str]:
    parts = tasks_of(later(5, "a"), later(5, "b"), later(1, "c"))
    gathered = asyncio.gather(*parts)
    await asyncio.sleep(2)
    gathered.cancel()
    try:
        await gathered
    except asyncio.CancelledError:
        await echo("gather is cancelled")
    return await outcomes(parts)


@golden()
@workflow.define
async def gather_nested() -> list[Any]:
    same = asyncio.create_task(later(2, "same"))
    return list(
        await asyncio.gather(
            same, asyncio.gather(say("a"), later(1, "b")), same, asyncio.gather(), say("c")
        )
    )


# wait


def _mixed() -> list[asyncio.Task[Any]]:
    return tasks_of(later(4, "a"), fail_later(2, "b"), later(1, "c"), later(1, "d"))


async def _wait(mode: str, limit: float | None = None) -> list[str]:
    parts = _mixed()
    done, left = await asyncio.wait(parts, return_when=mode, timeout=limit)
    for task in done:
        await echo(f"done {parts.index(task)}")
    for task in left:
        task.cancel()
    return await outcomes(parts)


@golden()
@workflow.define
async def wait_first_completed() -> list[str]:
    return await _wait(asyncio.FIRST_COMPLETED)


@golden()
@workflow.define
async def wait_first_exception() -> list[str]:
    return await _wait(asyncio.FIRST_EXCEPTION)


@golden()
@workflow.define
async def wait_all_completed() -> list[str]:
    return await _wait(asyncio.ALL_COMPLETED)


@golden()
@workflow.define
async def wait_limited() -> list[str]:
    return await _wait(asyncio.ALL_COMPLETED, 3)


@golden()
@workflow.define
async def wait_cancelled() -> list[str]:
    parts = _mixed()
    waiting = asyncio.create_task(asyncio.wait(parts, timeout=9))
    await asyncio.sleep(1.5)
    waiting.cancel()
    return await outcomes([waiting, *parts])


@golden()
@workflow.define
async def wait_for_many() -> list[int]:
    tasks = tasks_of(*[say(str(number)) for number in range(20)])
    done, _ = await asyncio.wait(tasks)
    for task in done:
        await echo(f"done {tasks.index(task)}")
    return [tasks.index(task) for task in done]


# wait_for and time limits


@golden()
@workflow.define
async def wait_for_in_time() -> list[str]:
    beside = asyncio.create_task(say("beside"))
    found = [await asyncio.wait_for(say("first"), 5), await asyncio.wait_for(later(1, "second"), None)]  # fmt: skip
    return [*found, await asyncio.wait_for(asyncio.create_task(later(1, "third")), 5), await beside]


@golden()
@workflow.define
async def wait_for_late() -> list[str]:
    task, beside = tasks_of(later(9, "task"), later(2, "beside"))
    for late in (later(9, "coroutine"), task):
        try:
            await asyncio.wait_for(late, 2)
        except TimeoutError:
            await echo("late")
    return await outcomes([task, beside])


@golden()
@workflow.define
async def wait_for_cancelled() -> list[str]:
    task = asyncio.create_task(later(9, "inner"))
    outer = tasks_of(asyncio.wait_for(later(9, "coroutine"), 20), asyncio.wait_for(task, 20))
    await asyncio.sleep(1)
    for each in outer:
        each.cancel("from outside")
    await echo("asked")
    return await outcomes([*outer, task])


@golden()
@workflow.define
async def wait_for_nothing() -> list[str]:
    seen = []
    for limit in (0, -1):
        try:
            await asyncio.wait_for(asyncio.create_task(say("never")), limit)
        except TimeoutError:
            seen.append(await echo(f"limit {limit}"))
    return seen


@golden()
@workflow.define
async def wait_for_swallowed() -> list[str]:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await echo("swallowed")
        return "result"

    task = asyncio.create_task(stubborn())
    seen = []
    for limited in (asyncio.wait_for(task, 1), asyncio.wait_for(stubborn(), 1)):
        try:
            seen.append(await limited)
        except TimeoutError:
            seen.append(await echo("late"))
    return [*seen, *await outcomes([task])]


@golden()
@workflow.define
async def early_bound() -> list[str]:
    parts = tasks_of(later(2, "a"), later(1, "b"))
    done, _ = await wait(parts, return_when=asyncio.FIRST_COMPLETED)
    seen = [await echo(f"done {parts.index(task)}") for task in done]
    seen += [await ready for ready in as_completed([later(2, "c"), later(1, "d")])]
    try:
        await wait_for(shield(parts[0]), 0.1)
    except TimeoutError:
        seen.append(await echo("late"))
    return [*seen, *await gather(say("e"), wait_for(say("f"), 5), parts[0])]


@golden()
@workflow.define
async def timeout_nested() -> list[str]:
    seen = []
    for outer, inner in ((1, 5), (5, 1)):
        try:
            async with asyncio.timeout(outer) as outside:
                try:
                    async with asyncio.timeout(inner):
                        await later(9, f"{outer} {inner}")
                except TimeoutError:
                    seen.append(await echo("inner"))
        except TimeoutError:
            seen.append(await echo("outer"))
        seen.append(str(outside.expired()))  # type: ignore[possibly-undefined]  # entering it cannot fail
    return seen


@golden()
@workflow.define
async def timeout_moved() -> list[str]:
    loop = asyncio.get_running_loop()
    seen = []
    async with asyncio.timeout(1) as scope:
        scope.reschedule(None)
        await later(2, "no limit")
        scope.reschedule(loop.time() + 3)
        await later(2, "longer")
    try:
        async with asyncio.timeout_at(loop.time() + 9) as scope:
            scope.reschedule(loop.time() - 1)
            await later(5, "past")
    except TimeoutError:
        seen.append(await echo("past"))
    try:
        async with asyncio.timeout(0):
            await later(5, "zero")
    except TimeoutError:
        seen.append(await echo("zero"))
    return seen


@golden()
@workflow.define
async def timeout_cancelled() -> list[str]:
    async def limited() -> str:
        try:
            async with asyncio.timeout(2):
                await later(5, "inner")
        except TimeoutError:
            return await echo("timeout")
        return "neither"

    early, same = tasks_of(limited(), limited())
    await asyncio.sleep(1)
    early.cancel()
    await asyncio.sleep(1)
    same.cancel()
    return await outcomes([early, same])


# Task groups


@golden()
@workflow.define
async def group_plain() -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(later(n, str(n))) for n in (3, 1, 2)]
        tasks.append(group.create_task(say("at once"), name="named"))
        await echo("body")
        group.create_task(later(1, "late-comer"))
    return [task.result() for task in tasks]


@golden()
@workflow.define
async def group_child_fails() -> list[str]:
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(later(9, str(number)))
            group.create_task(fail_later(1, "first"))
            group.create_task(fail_later(1, "second"))
            await later(5, "body")
    except BaseExceptionGroup as errors:
        return await leaves(errors)
    return []


@golden()
@workflow.define
async def group_child_cancelled() -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(later(n, str(n))) for n in (3, 2, 4)]
        await asyncio.sleep(1)
        tasks[0].cancel()
    return await outcomes(tasks)


@golden()
@workflow.define
async def group_nested() -> list[str]:
    async def inner(name: str) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(later(9, f"{name} slow"))
            group.create_task(fail_later(1 if name == "a" else 5, name))

    seen: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            for name in "ab":
                group.create_task(inner(name))
            group.create_task(later(9, "beside"))
    except* ValueError as errors:
        seen += [await echo(str(errors)), *await leaves(errors.exceptions[0])]
    return seen


@golden()
@workflow.define
async def group_cancelled() -> list[str]:
    async def grouped() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(4):
                    group.create_task(later(9, str(number)))
        finally:
            await echo("left")

    task = asyncio.create_task(grouped())
    await asyncio.sleep(1)
    task.cancel("stop")
    return await outcomes([task])


@golden()
@workflow.define
async def group_cancelled_and_failing() -> list[str]:
    async def grouped() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail_late())
                group.create_task(later(9, "other"))
        except* ValueError:
            await echo("handled")
        task = asyncio.current_task()
        return f"{task.cancelling() if task else ''}"

    async def fail_late() -> None:
        try:
            await asyncio.sleep(9)
        finally:
            await echo("cleans up")
            raise ValueError("in clean-up")

    task = asyncio.create_task(grouped())
    await asyncio.sleep(1)
    task.cancel()
    return await outcomes([task])


@golden()
@workflow.define
async def group_body_fails() -> list[str]:
    seen: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(later(9, "a"))
            group.create_task(later(9, "b"))
            await say("body")
            raise KeyError("body")  # noqa: TRY301 - it is the body that fails
    except* KeyError as errors:
        seen += await leaves(errors)
    return seen


@golden()
@workflow.define
async def exception_groups() -> list[str]:
    seen: list[str] = []
    try:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail_later(1, "value"))
                group.create_task(broken("activity"))
        except* ActivityError as errors:
            seen += await leaves(errors)
            raise KeyError("raised meanwhile") from None
        except* ValueError as errors:
            seen += await leaves(errors)
    except* KeyError as errors:
        seen += await leaves(errors)
    return seen


# as_completed and shield


@golden()
@workflow.define
async def as_completed_limited() -> list[str]:
    seen: list[str] = []
    parts = tasks_of(later(3, "a"), fail_later(1, "b"), later(2, "c"), later(9, "d"))
    for ready in asyncio.as_completed(parts, timeout=5):
        try:
            seen.append(await ready)
        except (ValueError, TimeoutError) as error:
            seen.append(await echo(type(error).__name__))
    parts[3].cancel()
    return [*seen, *await outcomes(parts)]


@golden()
@workflow.define
async def as_completed_many() -> list[str]:
    return [await ready for ready in asyncio.as_completed([say(str(n)) for n in range(12)])]


@golden()
@workflow.define
async def shield_cancelled() -> list[str]:
    inner = asyncio.create_task(later(3, "inner"))

    async def guarded() -> str:
        try:
            return await asyncio.shield(inner)
        except asyncio.CancelledError:
            await echo("outer is cancelled")
            raise

    outer = asyncio.create_task(guarded())
    await asyncio.sleep(1)
    outer.cancel()
    return await outcomes([outer, inner])


@golden()
@workflow.define
async def shield_inner_ends_badly() -> list[str]:
    failing, cancelled = tasks_of(fail_later(1, "inner"), later(5, "gone"))
    shields = [asyncio.shield(failing), asyncio.shield(cancelled)]
    await asyncio.sleep(2)
    cancelled.cancel()
    return await outcomes(shields)


# Tasks and callbacks


@golden()
@workflow.define
async def cancel_counts() -> list[str]:
    async def counted() -> str:
        task = asyncio.current_task()
        assert task is not None
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError as error:
            before = task.cancelling()
            await echo(f"{error} {before}")
            return await echo(f"{task.uncancel()} {task.uncancel()} {task.cancelling()}")
        return "never"

    task, taken_back, fresh = tasks_of(counted(), counted(), say("never"))
    fresh.cancel("before its first step")
    await asyncio.sleep(1)
    task.cancel("one")
    task.cancel("two")
    taken_back.cancel("taken back")
    taken_back.uncancel()
    return await outcomes([task, taken_back, fresh])


@golden()
@workflow.define
async def cancel_itself() -> list[str]:
    async def at_once(*, take_back: bool) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if take_back:
            task.uncancel()
        return await echo(f"take back {take_back}")

    return await outcomes(tasks_of(at_once(take_back=False), at_once(take_back=True)))


@golden()
@workflow.define
async def sleep_zero() -> list[str]:
    async def steps(name: str, count: int) -> str:
        for _ in range(count):
            await asyncio.sleep(0)
        return await echo(name)

    parts = tasks_of(steps("a", 3), steps("b", 0), steps("c", 1), steps("d", 2), later(0, "e"))
    found = [await part for part in parts]
    return found + await asyncio.gather(*[steps(name, 7 - place) for place, name in enumerate("fgh")])  # fmt: skip


colour: ContextVar[str] = ContextVar("golden_colour", default="none")


@golden()
@workflow.define
async def task_names_and_context() -> list[str]:
    async def tell() -> str:
        task = asyncio.current_task()
        text = f"{task.get_name() if task else ''} {colour.get()}"
        colour.set(f"of {text}")
        return await echo(text)

    colour.set("outside")
    own = copy_context()
    own.run(colour.set, "inside")
    tasks = [
        asyncio.create_task(tell(), name="first"),
        asyncio.create_task(tell(), name="second", context=own),
        asyncio.create_task(tell()),
    ]
    found = [await task for task in tasks]
    async with asyncio.TaskGroup() as group:
        found += [await group.create_task(tell(), name="grouped", context=own)]
    return [*found, colour.get(), own[colour]]


@golden()
@workflow.define
async def callbacks() -> list[str]:
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[str]] = []

    def then(text: str) -> Callable[..., None]:
        return lambda *_: tasks.append(asyncio.create_task(say(text)))

    def in_context() -> None:
        then(colour.get())()

    own = copy_context()
    own.run(colour.set, "callback in context")
    loop.call_later(2, then("later 2"))
    loop.call_later(1, then("later 1"))
    loop.call_at(loop.time() + 1, then("at 1"))
    loop.call_later(1.5, then("never")).cancel()
    loop.call_later(0, then("at once"))
    loop.call_soon(then("soon"))
    loop.call_soon(then("never")).cancel()
    loop.call_soon(in_context, context=own)
    asyncio.create_task(say("task")).add_done_callback(then("task is done"))
    future = loop.create_future()
    future.add_done_callback(then("future is done"))
    future.set_result(None)
    await asyncio.sleep(3)
    return [await task for task in tasks]
