from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from heartbeats_by_decorator.beating import beats


@activity.defn
@beats
async def index(corpus: str) -> int:
    return len(corpus)


@workflow.defn
class Index:
    @workflow.run
    async def run(self, corpus: str) -> int:
        return await workflow.execute_activity(
            index,
            corpus,
            start_to_close_timeout=timedelta(hours=4),
            heartbeat_timeout=timedelta(seconds=30),
        )
