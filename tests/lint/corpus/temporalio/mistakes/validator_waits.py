"""HF717: the validator of an update sets a timer, which is refused while a run is only read."""

import asyncio
from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Basket:
    def __init__(self) -> None:
        self.articles: list[str] = []
        self.closed = False

    @workflow.update
    async def add(self, article: str) -> int:
        self.articles.append(article)
        self.closed = len(self.articles) > 20
        return len(self.articles)

    @add.validator
    def check(self, article: str) -> None:
        asyncio.create_task(workflow.sleep(timedelta(minutes=1)))  # mistake: HF717 or HF308
        if not article:
            raise ValueError("an article has a name")

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.closed, timeout=timedelta(days=1))
        return self.articles
