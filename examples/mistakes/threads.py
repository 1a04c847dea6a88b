"""A report that is computed beside the event loop."""

import asyncio
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

from holdfast import activity, workflow


@activity.define
def count(words: str) -> int:
    with ThreadPoolExecutor() as pool:
        return sum(pool.map(len, words.split()))


def summarise(text: str) -> int:
    return len(text)


@workflow.define
async def report(chapters: list[str]) -> int:
    total = 0
    with ThreadPoolExecutor(max_workers=4) as pool:  # mistake: HF301
        total += sum(pool.map(summarise, chapters))
    total += await asyncio.to_thread(summarise, chapters[0])  # mistake: HF301
    loop = asyncio.get_running_loop()
    total += await loop.run_in_executor(None, summarise, chapters[0])  # mistake: HF301
    threading.Thread(target=summarise, args=chapters).start()  # mistake: HF301
    with multiprocessing.Pool() as processes:  # mistake: HF302
        total += sum(processes.map(summarise, chapters))
    for chapter in set(chapters):  # mistake: HF401
        total += await count(chapter)
    return total
