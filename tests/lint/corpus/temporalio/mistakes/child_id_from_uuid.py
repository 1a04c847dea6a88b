"""HF121 or HF124: the child gets another id on every replay."""

import uuid
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def pick(article: str) -> None:
    activity.logger.info("picked %s", article)


@workflow.defn
class PickArticle:
    @workflow.run
    async def run(self, article: str) -> None:
        await workflow.execute_activity(pick, article, start_to_close_timeout=timedelta(minutes=1))


@workflow.defn
class PackOrder:
    @workflow.run
    async def run(self, articles: list[str]) -> int:
        for article in articles:
            child = f"pick-{uuid.uuid4()}"  # mistake: HF121 or HF124
            await workflow.execute_child_workflow(PickArticle.run, article, id=child)  # also: HF124
        return len(articles)
