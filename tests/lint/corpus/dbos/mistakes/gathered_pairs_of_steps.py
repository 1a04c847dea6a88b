"""HF311: steps are numbered as they start, and here two chains of steps run at once."""

import asyncio

from dbos import DBOS


@DBOS.step()
async def download(url: str) -> str:
    return f"content of {url}"


@DBOS.step()
async def index(text: str) -> int:
    return len(text)


async def crawl(url: str) -> int:
    text = await download(url)
    return await index(text)


@DBOS.workflow()
async def crawl_all(urls: list[str]) -> int:
    return sum(await asyncio.gather(*(crawl(url) for url in urls)))  # mistake: HF311
