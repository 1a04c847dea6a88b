"""Fine (HF311): each coroutine that is gathered is one step, and those are numbered as they are made."""

import asyncio

from dbos import DBOS


@DBOS.step()
async def download(url: str) -> str:
    return f"content of {url}"


@DBOS.workflow()
async def download_all(urls: list[str]) -> list[str]:
    return list(await asyncio.gather(*(download(url) for url in urls)))
