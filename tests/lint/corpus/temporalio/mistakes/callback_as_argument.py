"""HF708: a lambda cannot be written into the history."""

from collections.abc import Callable
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def crawl(site: str, keep: Callable[[str], bool]) -> int:
    return len([page for page in (site, f"{site}/about") if keep(page)])


@workflow.defn
class Crawl:
    @workflow.run
    async def run(self, site: str) -> int:
        return await workflow.execute_activity(  # mistake: HF708
            crawl,
            args=[site, lambda page: not page.endswith(".pdf")],
            start_to_close_timeout=timedelta(minutes=10),
        )
