"""HF301: a callback that is handed to a helper starts a thread when the helper calls it."""

import threading
from collections.abc import Callable

from holdfast import activity, workflow


@activity.define
async def measure(sensor: str) -> float: ...


def alert(value: float) -> None:
    threading.Thread(target=lambda: value).start()  # mistake: HF301


async def measure_all(sensors: list[str], on_high: Callable[[float], None]) -> float:
    highest = 0.0
    for sensor in sensors:
        highest = max(highest, await measure(sensor))
    if highest > 80:
        on_high(highest)
    return highest


@workflow.define
async def watch(sensors: list[str]) -> float:
    return await measure_all(sensors, on_high=alert)
