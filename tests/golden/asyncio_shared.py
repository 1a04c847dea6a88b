"""Small workflows that show who is served first where several tasks share something, and how generators end.

As in `asyncio_corpus`, each calls an activity wherever it goes on.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from tests.golden.asyncio_corpus import later, outcomes, say, tasks_of
from tests.golden.corpus import echo, golden

from holdfast import workflow

# Locks


@golden()
@workflow.define
async def lock_in_line() -> list[str]:
    lock = asyncio.Lock()

    async def hold(name: str) -> str:
        async with lock:
            return await later(1, name)

    tasks = tasks_of(*[hold(name) for name in "abcde"])
    await asyncio.sleep(0.5)
    tasks[1].cancel()  # waits
    await asyncio.sleep(1)
    tasks[2].cancel()  # holds it
    late = asyncio.create_task(hold("late"))
    return await outcomes([*tasks, late])


@golden()
@workflow.define
async def lock_cancelled_as_it_is_given() -> list[str]:
    lock = asyncio.Lock()

    async def hold(name: str) -> str:
        async with lock:
            return await say(name)

    await lock.acquire()
    tasks = tasks_of(hold("a"), hold("b"), hold("c"))
    await asyncio.sleep(1)
    lock.release()
    tasks[0].cancel()
    tasks.append(asyncio.create_task(hold("d")))
    return await outcomes(tasks)


@golden()
@workflow.define
async def event_set_and_cleared() -> list[str]:
    event = asyncio.Event()

    async def rounds(name: str) -> str:
        await event.wait()
        await echo(f"{name} 1")
        await event.wait()
        return await echo(f"{name} 2")

    tasks = tasks_of(*[rounds(name) for name in "abc"])
    await asyncio.sleep(1)
    event.set()
    event.clear()
    await asyncio.sleep(1)
    tasks[1].cancel()
    event.set()
    return await outcomes(tasks)


@golden()
@workflow.define
async def condition_in_line() -> list[str]:
    condition, ready = asyncio.Condition(), [0]

    async def wait(name: str, wanted: int) -> str:
        async with condition:
            await condition.wait_for(lambda: ready[0] >= wanted)
            return await echo(name)

    tasks = tasks_of(wait("a", 2), wait("b", 1), wait("c", 1), wait("d", 2), wait("e", 1))
    await asyncio.sleep(1)
    async with condition:
        ready[0] = 1
        condition.notify(2)
    await asyncio.sleep(1)
    async with condition:
        condition.notify(2)
        tasks[3].cancel()
    await asyncio.sleep(1)
    async with condition:
        ready[0] = 2
        condition.notify_all()
    return await outcomes(tasks)


@golden()
@workflow.define
async def condition_cancelled_as_it_is_notified() -> list[str]:
    condition = asyncio.Condition()

    async def wait(name: str) -> str:
        async with condition:
            await condition.wait()
            return await echo(name)

    tasks = tasks_of(wait("a"), wait("b"), wait("c"))
    await asyncio.sleep(1)
    async with condition:
        condition.notify(1)
        tasks[0].cancel()
        await say("holds it meanwhile")
    await asyncio.sleep(1)
    async with condition:
        condition.notify_all()
    return await outcomes(tasks)


async def _in_line(semaphore: asyncio.Semaphore) -> list[str]:
    async def hold(name: str, seconds: float) -> str:
        async with semaphore:
            return await later(seconds, name)

    tasks = tasks_of(hold("a", 2), hold("b", 1), hold("c", 2), hold("d", 1), hold("e", 1))
    await asyncio.sleep(0.5)
    tasks[2].cancel()
    late = asyncio.create_task(hold("late", 1))
    await asyncio.sleep(0.5)
    barging = asyncio.create_task(hold("barging", 1))
    return [*await outcomes([*tasks, late, barging]), await echo(str(semaphore.locked()))]


@golden()
@workflow.define
async def semaphore_in_line() -> list[str]:
    return await _in_line(asyncio.Semaphore(2))


@golden()
@workflow.define
async def bounded_semaphore_in_line() -> list[str]:
    return await _in_line(asyncio.BoundedSemaphore(2))


@golden()
@workflow.define
async def semaphore_cancelled_as_it_is_given() -> list[str]:
    semaphore = asyncio.Semaphore(0)

    async def hold(name: str) -> str:
        async with semaphore:
            return await say(name)

    tasks = tasks_of(hold("a"), hold("b"), hold("c"))
    await asyncio.sleep(1)
    semaphore.release()
    semaphore.release()
    tasks[0].cancel()
    return [*await outcomes(tasks), str(semaphore.locked())]


@golden()
@workflow.define
async def barrier_rounds() -> list[str]:
    barrier = asyncio.Barrier(3)

    async def meet(name: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        try:
            place = await barrier.wait()
        except asyncio.BrokenBarrierError:
            return await echo(f"{name} broken")
        return await echo(f"{name} {place}")

    seconds = zip("abcdef", (3, 1, 2, 5, 6, 4), strict=True)
    found = await outcomes(tasks_of(*[meet(name, after) for name, after in seconds]))
    broken = tasks_of(meet("g", 1), meet("h", 1))
    await asyncio.sleep(2)
    await barrier.abort()
    return found + await outcomes(broken)


# Queues


async def _through(queue: asyncio.Queue[int]) -> list[str]:
    seen: list[str] = []

    async def produce(name: str, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            await queue.put(number)
            await echo(f"{name} put {number}")

    async def consume(name: str) -> None:
        while True:
            number = await queue.get()
            seen.append(await echo(f"{name} got {number}"))
            await asyncio.sleep(1)
            queue.task_done()

    consumers = tasks_of(consume("x"), consume("y"))
    await asyncio.gather(produce("a", (5, 1, 4)), produce("b", (2, 6, 3)))
    await queue.join()
    await echo("joined")
    for consumer in consumers:
        consumer.cancel()
    return seen + await outcomes(consumers)


@golden()
@workflow.define
async def queue_of_two() -> list[str]:
    return await _through(asyncio.Queue(2))


@golden()
@workflow.define
async def queue_by_priority() -> list[str]:
    return await _through(asyncio.PriorityQueue(3))


@golden()
@workflow.define
async def queue_last_first() -> list[str]:
    return await _through(asyncio.LifoQueue())


@golden()
@workflow.define
async def queue_full_and_empty() -> list[str]:
    queue = asyncio.Queue[str](1)
    getters = tasks_of(queue.get(), queue.get())
    await asyncio.sleep(1)
    queue.put_nowait("a")
    getters[0].cancel()
    seen = await outcomes(getters)
    try:
        queue.get_nowait()
    except asyncio.QueueEmpty:
        seen.append(await echo("empty"))
    putters = tasks_of(queue.put("b"), queue.put("c"), queue.put("d"))
    await asyncio.sleep(1)
    try:
        queue.put_nowait("e")
    except asyncio.QueueFull:
        seen.append(await echo("full"))
    putters[1].cancel()
    seen += [await echo(await queue.get()), await echo(await queue.get())]
    for _ in range(3):
        queue.task_done()
    try:
        queue.task_done()
    except ValueError:
        seen.append(await echo("done too often"))
    return seen + await outcomes(putters)


# Asynchronous generators


async def _numbers(name: str) -> AsyncGenerator[str, str]:
    try:
        for number in range(9):
            try:
                said = yield await echo(f"{name} {number}")
            except KeyError:
                said = yield await echo(f"{name} caught")
            if said:
                await echo(f"{name} was sent {said}")
    finally:
        await echo(f"{name} is closed")


@golden()
@workflow.define
async def generator_left() -> list[str]:
    seen: list[str] = []
    async with aclosing(_numbers("a")) as numbers:
        async for number in numbers:
            seen.append(number)
            if number == "a 1":
                break
    return [*seen, await echo("after")]


@golden()
@workflow.define
async def generator_sent_and_thrown() -> list[str]:
    numbers = _numbers("a")
    seen = [await anext(numbers), await numbers.asend("hello"), await numbers.athrow(KeyError("k"))]
    try:
        await numbers.athrow(ValueError("v"))
    except ValueError:
        seen.append(await echo("thrown"))
    await numbers.aclose()
    return [*seen, await anext(numbers, "ended")]


@golden()
@workflow.define
async def generators_dropped() -> list[str]:
    seen: list[str] = []

    async def read(name: str) -> None:
        async for number in _numbers(name):
            seen.append(number)
            if number.endswith("1"):
                break
        await echo(f"{name} goes on")

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(read(name))
    await asyncio.sleep(1)
    return seen


@golden()
@workflow.define
async def generator_cancelled() -> list[str]:
    async def slow() -> AsyncGenerator[str, None]:
        try:
            for number in range(9):
                await asyncio.sleep(1)
                yield str(number)
        finally:
            await echo("closed")

    async def read(*, closing: bool) -> None:
        if closing:
            async with aclosing(slow()) as numbers:
                async for number in numbers:
                    await echo(number)
        async for number in slow():
            await echo(number)

    tasks = tasks_of(read(closing=True), read(closing=False))
    await asyncio.sleep(2.5)
    for task in tasks:
        task.cancel()
    return await outcomes(tasks)
