from collections.abc import Callable

import pytest

Codes = Callable[[str], list[tuple[int, str]]]

CLEAN = {
    "activities and main in the same file may do anything": """
        import time, requests
        from holdfast import Client, activity, workflow

        @activity.define(timeout=None)
        def fetch(url: str) -> str:
            time.sleep(1)
            return helper(url)

        def helper(url):
            print(url)
            return requests.get(url).text

        @workflow.define
        async def flow(url: str) -> str:
            return await fetch(url)

        def main():
            print(time.time())
            with open("client.pem") as file:
                Client(file.read()).start(flow, "x")

        if __name__ == "__main__":
            main()
    """,
    "deterministic namesakes": """
        from holdfast import workflow
        from holdfast.workflow import random, uuid4, now

        class Clock:
            def now(self): return 0
            def time(self): return 0

        @workflow.define
        async def flow(clock: Clock, datetime, uuid) -> str:
            random().randint(1, 2)
            workflow.random().choice([1])
            time = Clock()
            return f"{uuid4()} {now()} {clock.now()} {time.time()} {datetime.now()} {uuid.uuid4()}"
    """,
    "asyncio is durable": """
        import asyncio
        from holdfast import activity, workflow

        @activity.define
        async def act(x): ...

        @workflow.define
        async def flow():
            lock, queue = asyncio.Lock(), asyncio.Queue()
            async with lock, asyncio.timeout(3):
                await asyncio.sleep(1)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(act(n)) for n in range(3)]
            done, _ = await asyncio.wait([asyncio.create_task(act(1))])
            await queue.put(await asyncio.wait_for(act(2), 3))
            return [task.result() for task in tasks], done
    """,
    "activities stored, returned, yielded and gathered later": """
        import asyncio
        from holdfast import activity, workflow

        @activity.define
        async def act(x): ...

        def later(x):
            return act(x)

        def many():
            for n in range(3):
                yield act(n)

        class Batch:
            def __init__(self):
                self.pending = []
            def add(self, x):
                self.pending.append(act(x))

        @workflow.define
        async def flow():
            batch = Batch()
            batch.add(1)
            by_name = {"a": act(1)}
            by_name["b"] = act(2)
            tasks = []
            for n in range(3):
                tasks.append(act(n))
            tasks += [act(9)]
            pair = act(4), act(5)
            first, second = act(6), act(7)
            await asyncio.gather(*tasks, *pair, *many(), *by_name.values(), *batch.pending)
            x = await (act(3) if tasks else later(3))
            return await first, await second, x
    """,
    "except BaseException that raises on every path": """
        import asyncio
        from holdfast import activity, workflow

        @activity.define
        async def act(x): ...

        @workflow.define
        async def flow(x):
            try:
                await act(1)
            except BaseException as error:
                try:
                    await asyncio.shield(act(2))
                except ValueError:
                    pass
                for n in range(3):
                    if n: break
                if x:
                    raise
                raise error
            try:
                await act(1)
            except BaseException as error:
                match x:
                    case 1: raise
                    case _:
                        raise error.with_traceback(None)
            try:
                await act(1)
            except Exception:
                pass
    """,
    "decorators that merely share the last name": """
        import time
        import pytest
        from app import activity, workflow
        from attrs import define

        @pytest.mark.define
        def one(): time.sleep(1)

        @workflow.define
        async def two(): time.sleep(1)

        @define
        class Three:
            def run(self): time.sleep(1)
    """,
    "pop and other set methods on lists": """
        from holdfast import activity, workflow

        @activity.define
        async def act(x): ...

        @workflow.define
        async def flow(names: list[str], event):
            waiting = list(names)
            while waiting:
                await act(waiting.pop())
            event.set()
            for name in dict.fromkeys(names):
                await act(name)
            for name in sorted({*names}):
                await act(name)
            for key, value in {"a": 1}.items():
                await act(key)
    """,
    "set whose loop does nothing durable": """
        from holdfast import workflow

        @workflow.define
        async def flow(names: set[str]):
            seen = {}
            for name in names:
                seen[name] = len(name)
            return seen
    """,
    "pure path methods and strings that share a name with them": """
        from pathlib import Path, PurePosixPath
        from holdfast import workflow

        @workflow.define
        async def flow(name: str, target: Path | str):
            name = name.replace("a", "b")
            target.replace("a", "b")
            return PurePosixPath(name).parent, Path(name).with_suffix(".x").name.replace("x", "y")
    """,
    "work that nothing reaches": """
        import time
        from holdfast import workflow

        def unused(): time.sleep(1)

        class Helper:
            def used(self): return 1
            def unused(self): time.sleep(1)

        @workflow.define
        async def flow():
            def never(): return time.time()
            table = {"unused": len}
            return Helper().used(), table
    """,
    "seeded generators": """
        import random
        from holdfast import workflow

        @workflow.define
        async def flow(seed: int):
            generator = random.Random(seed)
            generator.shuffle([1, 2])
            return random.Random(x=seed).random() + generator.random()
    """,
    "import time is another matter": """
        import os, time, logging
        from holdfast import workflow

        STARTED = time.time()
        DEBUG = os.environ.get("DEBUG")
        logging.basicConfig()
        logger = logging.getLogger(__name__)

        @workflow.define
        async def flow():
            return STARTED, DEBUG
    """,
    "a child workflow is a run of its own": """
        from holdfast import workflow

        @workflow.define
        async def child():
            return 1

        @workflow.define
        async def parent():
            return await workflow.start_child(child)
    """,
    "an activity handed to another function is still an activity": """
        import requests
        from holdfast import activity, workflow

        @activity.define
        async def act(x):
            return requests.get(x)

        async def twice(step, x):
            await step(x)
            return await step(x)

        @workflow.define
        async def flow():
            return await twice(act, 1)
    """,
    "a subclass that overrides the work": """
        import time
        from holdfast import workflow

        class Base:
            def run(self): return self.step()
            def step(self): time.sleep(1)

        class Quick(Base):
            def step(self): return 1

        @workflow.define
        async def flow():
            return Quick().run()
    """,
}


@pytest.mark.parametrize("text", CLEAN.values(), ids=[name.replace(" ", "-") for name in CLEAN])
def test_nothing_is_found_in(codes: Codes, text: str) -> None:
    assert codes(text) == []


FOUND = {
    "a decorator under another name": (
        """
        import time
        import holdfast as h

        @h.workflow.define(name="other")
        async def flow(): time.sleep(1)
        """,
        [(6, "HF305")],
    ),
    "a decorator imported by itself": (
        """
        import time
        from holdfast.workflow import define as durable

        @durable
        async def flow(): time.sleep(1)
        """,
        [(6, "HF305")],
    ),
    "a decorator kept in a variable, or called on a function": (
        """
        import time
        from holdfast import workflow

        durable = workflow.define(name="x")

        @durable
        async def flow(): time.sleep(1)

        async def plain(): time.sleep(2)

        registered = workflow.define(plain)
        """,
        [(8, "HF305"), (10, "HF305")],
    ),
    "a decorator of the project that makes activities": (
        """
        import time
        from holdfast import activity, workflow

        def quick(function):
            return activity.define(timeout=1)(function)

        @quick
        async def act(): time.sleep(1)

        @workflow.define
        async def flow():
            act()
            await act()
        """,
        [(13, "HF702")],
    ),
    "methods, properties, inheritance and calls of objects": (
        """
        import time
        from holdfast import workflow

        class Base:
            def __init__(self): self.rate = time.time()
            @property
            def age(self): return time.time()
            @classmethod
            def make(cls): return cls()
            @staticmethod
            def pause(): time.sleep(1)
            def __call__(self): return time.monotonic()
            def __enter__(self): return self
            def __exit__(self, *error): time.sleep(3)

        class Special(Base):
            def __init__(self):
                super().__init__()
                self.inner = Inner()

        class Inner:
            def work(self): return time.time_ns()

        @workflow.define
        async def flow():
            made = Special.make()
            made.pause()
            with made:
                made()
            return made.age, made.inner.work()
        """,
        [
            (6, "HF101"),
            (8, "HF101"),
            (12, "HF305"),
            (13, "HF102"),
            (15, "HF305"),
            (23, "HF101"),
        ],
    ),
    "functions that travel as values": (
        """
        import time
        from functools import partial
        from holdfast import workflow

        def one(): time.sleep(1)
        def two(): time.sleep(2)
        def three(x): time.sleep(x)
        def four(): time.sleep(4)
        def five(): time.sleep(5)
        TABLE = {"one": one}

        def call(function): return function()

        def make():
            def inner(): two()
            return inner

        @workflow.define
        async def flow(key):
            TABLE[key]()
            make()()
            partial(three, 3)()
            call(four)
            for step in [five]:
                step()
            nested = lambda: time.sleep(6)
            nested()
        """,
        [(n, "HF305") for n in (6, 7, 8, 9, 10, 27)],
    ),
    "hooks handed to a library": (
        """
        from agents import Runner, RunHooks
        from holdfast import workflow

        class Hooks(RunHooks):
            async def on_start(self, agent): print(agent)

        @workflow.define
        async def flow(agent):
            return await Runner.run(agent, hooks=Hooks())
        """,
        [(6, "HF601")],
    ),
    "mutual recursion in any order": (
        """
        import time
        from holdfast import workflow

        def even(n): return n == 0 or odd(n - 1)
        def odd(n): return n != 0 and even(n - pause())
        def pause():
            time.sleep(1)
            return even(0)

        @workflow.define
        async def flow(n): return even(n)
        """,
        [(8, "HF305")],
    ),
    "instances held anywhere": (
        """
        import httpx
        from pathlib import Path
        from holdfast import workflow

        class Api:
            client: httpx.AsyncClient
            def __init__(self, folder): self.folder = folder

        def client(): return httpx.AsyncClient()

        @workflow.define
        async def flow(api: Api, folders: list[Path], home: "Path | None" = None):
            await api.client.get("x")
            await client().post("x")
            async with client() as session:
                await session.get("x")
            for folder in folders:
                folder.mkdir()
            if home:
                (home / "a" / "b").parent.touch()
            return Api(Path("x")).folder.read_text()
        """,
        [(n, "HF204") for n in (14, 15, 17)] + [(n, "HF203") for n in (19, 21, 22)],
    ),
    "star imports of the standard library": (
        """
        from time import *
        from holdfast import workflow

        @workflow.define
        async def flow(): sleep(1)
        """,
        [(6, "HF305")],
    ),
    "an import that may be one of two": (
        """
        try:
            from time import monotonic as clock
        except ImportError:
            from other import clock
        from holdfast import workflow

        @workflow.define
        async def flow(): return clock()
        """,
        [(9, "HF102")],
    ),
    "handlers that leave by a side door": (
        """
        from holdfast import activity, workflow

        @activity.define
        async def act(x): ...

        @workflow.define
        async def flow(x):
            for n in range(3):
                try:
                    await act(1)
                except BaseException:
                    if n: continue
                    raise
            try:
                await act(1)
            except BaseException as error:
                raise RuntimeError from error
        """,
        [(12, "HF712"), (17, "HF712")],
    ),
    "a list made of a set keeps its order": (
        """
        from holdfast import activity, workflow

        @activity.define
        async def act(x): ...

        @workflow.define
        async def flow(names: frozenset[str]):
            chosen = list(names | {"a"})
            for name in chosen:
                await act(name)
        """,
        [(10, "HF401")],
    ),
    "newer syntax than this interpreter may know": (
        """
        import time
        from holdfast import workflow

        type Name = str

        def first[T](items: list[T]) -> T:
            time.sleep(1)
            return items[0]

        @workflow.define
        async def flow(name: Name): return first([f"{name + f"{name}"}"])
        """,
        [(8, "HF305")],
    ),
}


@pytest.mark.parametrize(
    ("text", "expected"), FOUND.values(), ids=[name.replace(" ", "-") for name in FOUND]
)
def test_the_work_is_found_through(
    codes: Codes, text: str, expected: list[tuple[int, str]]
) -> None:
    assert codes(text) == expected
