"""HF312: the patch is asked for in branches that run at once, and its answers are kept by position."""

import asyncio

from dbos import DBOS


@DBOS.step()
async def translate(text: str, model: str) -> str:
    return f"{model}: {text}"


async def translate_one(text: str) -> str:
    if await DBOS.patch_async("new-model"):  # mistake: HF312 or HF809
        return await translate(text, "large")
    return await translate(text, "small")


@DBOS.workflow()
async def translate_all(texts: list[str]) -> list[str]:
    return list(
        await asyncio.gather(*(translate_one(text) for text in texts))
    )  # also: HF312 or HF809
