"""Programs as data, and the one workflow that carries them out.

A node of a program is a list: the name of an operation and its arguments. The program is an argument of the run, so a
history that fails carries its program with it. Everything that a program does is noted in `traces`, which says more
than commands do: replay must do the same things in the same order, whether or not they ask for anything.
"""

import asyncio
import datetime as dt
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from holdfast import ApplicationError, activity, workflow
from holdfast.errors import WorkflowError

Node = list[Any]

traces: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[Any]] = (
    weakref.WeakKeyDictionary()
)
level: ContextVar[int] = ContextVar("level", default=0)
news = workflow.Signal("news", int)
ask = workflow.Update("ask", int, int)


@activity.define
async def work(number: int) -> int:
    return number


@activity.define
async def judge(number: int) -> str:
    return "ok"


@activity.define
async def undo(number: int) -> None:
    return None


@workflow.define
async def part(number: int) -> int:
    return number


# A program may fail by any of these; whatever else it raises is a bug and blocks it.
@workflow.define(fails_on=(RuntimeError, ValueError, asyncio.QueueFull, asyncio.QueueEmpty))
async def program(code: list[Any]) -> list[Any]:
    found = Interpreter()
    await found.block(code)
    return found.trace


def shown(value: Any) -> Any:
    if isinstance(value, BaseExceptionGroup):
        return [type(value).__name__, [shown(part) for part in value.exceptions]]
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return value


class Interpreter:
    """Hold the state of one program: its objects, its tasks, and what it has done."""

    def __init__(self) -> None:
        self.trace = traces.setdefault(asyncio.get_running_loop(), [])
        self.locks = [asyncio.Lock(), asyncio.Lock()]
        self.semaphores = [asyncio.Semaphore(2), asyncio.BoundedSemaphore(1)]
        self.events = [asyncio.Event(), asyncio.Event()]
        self.condition = asyncio.Condition()
        self.barrier = asyncio.Barrier(2)
        self.queues: list[asyncio.Queue[int]] = [
            asyncio.Queue(1),
            asyncio.PriorityQueue(),
            asyncio.LifoQueue(),
        ]
        self.tasks: dict[int, asyncio.Task[Any]] = {}
        self.kept: list[workflow.Compensation] = []
        self.count = 0

    def note(self, *what: Any) -> None:
        self.trace.append([shown(part) for part in what])

    async def block(self, nodes: list[Node]) -> Any:
        value = None
        for name, *arguments in nodes:
            operation: Callable[..., Awaitable[Any]] = getattr(self, f"do_{name}")
            try:
                value = await operation(*arguments)
            except BaseException as error:
                self.note(name, "raised", type(error).__name__)
                raise
            self.note(name, value)
        return value

    def parts(self, blocks: list[list[Node]]) -> list[Coroutine[Any, Any, Any]]:
        return [self.block(nodes) for nodes in blocks]

    # Work

    async def do_work(self, number: int) -> Any:
        return await work(number)

    async def do_judge(self, number: int, yes: list[Node], no: list[Node]) -> Any:
        found = await judge(number)
        return await self.block(yes if found == "ok" else no)

    async def do_child(self, number: int, on_cancel: Any) -> Any:
        return await workflow.start_child(part, number, on_cancel=on_cancel).result()

    async def do_detached(self, number: int) -> Any:
        return workflow.start_child(part, number, on_close="abandon").id

    async def do_map(self, size: int, limit: int) -> Any:
        return await workflow.map(work, range(size), limit=limit)

    async def do_map_settled(self, size: int, limit: int, need: int) -> Any:
        outcomes = await workflow.map_settled(work, range(size), limit=limit, need=need)
        return [outcome.state for outcome in outcomes]

    async def do_compensate(self, number: int) -> None:
        self.kept.append(workflow.compensate(undo, number))

    async def do_drop(self) -> None:
        if self.kept:
            self.kept.pop().drop()

    async def do_roll_back(self) -> Any:
        return [shown(error) for error in await workflow.roll_back()]

    async def do_approval(self, seconds: int, answer: int) -> Any:
        default: dict[str, Any] = {"on_timeout": dt.date(2000, 1, 1)} if answer else {}
        value = await workflow.approval(
            "sign",
            ask="?",
            to=["anna"],
            answer=dt.date,
            timeout=timedelta(seconds=seconds) if seconds else None,
            **default,
        )
        return value.isoformat()

    # Talk

    async def do_receive(self, seconds: int) -> Any:
        return await news.receive(timeout=timedelta(seconds=seconds) if seconds else None)

    async def do_receive_now(self) -> Any:
        found = news.receive_now()
        return None if found is None else found[0]

    async def do_send(self, number: int) -> Any:
        await news.send("another", number)

    async def do_answer(self, nodes: list[Node]) -> None:
        async def reply(value: int) -> int:
            await self.block(nodes)
            return value

        def check(value: int) -> None:
            if value % 3 == 0:
                raise ApplicationError("not this one")

        ask.handle(reply, check=check)

    async def do_wait_until(self, count: int, seconds: int) -> None:
        limit = timedelta(seconds=seconds) if seconds else None
        await workflow.wait_until(lambda: self.count >= count, "counted", timeout=limit)

    async def do_count(self) -> Any:
        self.count += 1
        return self.count

    async def do_publish(self, number: int) -> None:
        workflow.publish("number", number)

    async def do_attributes(self, number: int) -> None:
        workflow.set_attributes({"number": number})

    async def do_patched(self, key: int, new: list[Node], old: list[Node]) -> Any:
        return await self.block(new if workflow.patched("change", key=key or None) else old)

    async def do_chance(self) -> Any:
        return [workflow.random().randrange(100), str(workflow.uuid4()), str(workflow.now())]

    # Time

    async def do_sleep(self, seconds: int) -> None:
        await asyncio.sleep(seconds)

    async def do_durable_sleep(self, seconds: int) -> None:
        await workflow.sleep(timedelta(seconds=seconds))

    async def do_wait_for(self, seconds: int, nodes: list[Node]) -> Any:
        return await asyncio.wait_for(self.block(nodes), seconds)

    async def do_timeout(self, seconds: int, nodes: list[Node]) -> Any:
        async with asyncio.timeout(seconds):
            return await self.block(nodes)

    async def do_timeout_at(self, seconds: int, nodes: list[Node]) -> Any:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + seconds) as scope:
            await self.block(nodes)
            scope.reschedule(None)
            return scope.expired()

    # Many at once

    async def do_gather(self, blocks: list[list[Node]], collect: int) -> Any:
        found = await asyncio.gather(*self.parts(blocks), return_exceptions=bool(collect))
        return [shown(part) for part in found]

    async def do_group(self, blocks: list[list[Node]], own: list[Node]) -> Any:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in self.parts(blocks)]
            await self.block(own)
        return [task.result() for task in tasks]

    async def do_wait(self, blocks: list[list[Node]], mode: str, seconds: int, then: str) -> Any:
        tasks = [asyncio.create_task(part) for part in self.parts(blocks)]
        done, left = await asyncio.wait(tasks, timeout=seconds or None, return_when=mode)
        # Without sorting: the order of these sets is what a program may depend on.
        self.note("done", *[tasks.index(task) for task in done])
        if then == "cancel":
            for task in left:
                task.cancel()
        if then != "leave":
            await asyncio.gather(*tasks, return_exceptions=True)
        return [task.exception() is None for task in done if not task.cancelled()]

    async def do_as_completed(self, blocks: list[list[Node]], seconds: int) -> Any:
        found = []
        for ready in asyncio.as_completed(self.parts(blocks), timeout=seconds or None):
            found.append(await ready)  # noqa: PERF401 - one after the other, as they come
        return found

    async def do_shield(self, nodes: list[Node]) -> Any:
        return await asyncio.shield(self.block(nodes))

    async def do_spawn(self, number: int, nodes: list[Node]) -> None:
        self.tasks[number] = asyncio.create_task(self.block(nodes))

    async def do_cancel(self, number: int) -> Any:
        found = self.tasks.get(number)
        return None if found is None else found.cancel()

    async def do_join(self, number: int) -> Any:
        found = self.tasks.get(number)
        try:
            return None if found is None else await found
        except asyncio.CancelledError:
            if found is None or not found.cancelled():
                raise  # it is the waiting task that is cancelled
            return "cancelled"

    # Taking turns

    async def do_lock(self, which: int, nodes: list[Node]) -> Any:
        async with self.locks[which]:
            return await self.block(nodes)

    async def do_semaphore(self, which: int, nodes: list[Node]) -> Any:
        async with self.semaphores[which]:
            return await self.block(nodes)

    async def do_set(self, which: int) -> None:
        self.events[which].set()

    async def do_clear(self, which: int) -> None:
        self.events[which].clear()

    async def do_await_event(self, which: int) -> Any:
        return await self.events[which].wait()

    async def do_await_condition(self, seconds: int) -> Any:
        async with self.condition:
            return await asyncio.wait_for(self.condition.wait(), seconds or None)

    async def do_notify(self, number: int) -> None:
        async with self.condition:
            self.condition.notify(number)

    async def do_barrier(self) -> Any:
        return await self.barrier.wait()

    async def do_put(self, which: int, number: int) -> None:
        await self.queues[which].put(number)

    async def do_get(self, which: int) -> Any:
        number = await self.queues[which].get()
        self.queues[which].task_done()
        return number

    async def do_drain(self, which: int) -> None:
        await self.queues[which].join()

    # Flow

    async def do_repeat(self, times: int, nodes: list[Node]) -> None:
        for _ in range(times):
            await self.block(nodes)

    async def do_generate(self, times: int, leave_at: int, nodes: list[Node]) -> None:
        async def produce() -> AsyncIterator[int]:
            try:
                for number in range(times):
                    await self.block(nodes)
                    yield number
            finally:
                self.note("generator closed")

        async for number in produce():
            if number == leave_at:
                break

    async def do_try(self, nodes: list[Node], handler: list[Node], last: list[Node]) -> Any:
        try:
            return await self.block(nodes)
        except (WorkflowError, TimeoutError, RuntimeError) as error:
            self.note("caught", error)
            return await self.block(handler)
        finally:
            await self.block(last)

    async def do_try_star(self, nodes: list[Node], handler: list[Node]) -> None:
        try:
            await self.block(nodes)
        except* (WorkflowError, TimeoutError) as group:
            self.note("caught", group)
            await self.block(handler)

    async def do_on_cancel(self, nodes: list[Node], handler: list[Node], swallow: int) -> Any:
        try:
            return await self.block(nodes)
        except asyncio.CancelledError:
            await self.block(handler)
            if not swallow:
                raise
            task = asyncio.current_task()
            return task.uncancel() if task is not None and task.cancelling() else None

    async def do_raise(self, number: int) -> None:
        raise ApplicationError(f"number {number}")

    async def do_level(self) -> Any:
        level.set(level.get() + 1)
        return level.get()

    async def do_again(self) -> None:
        workflow.continue_as_new([])
