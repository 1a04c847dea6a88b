"""HF404: a set becomes the argument of an activity, whose JSON lists it in an order of its own."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def assign_nodes(job: str, nodes: set[str]) -> None:
    activity.logger.info("%s gets %s nodes", job, len(nodes))


@workflow.defn
class ClusterJob:
    def __init__(self) -> None:
        self.free: set[str] = set()

    @workflow.signal
    def node_is_free(self, node: str) -> None:
        self.free.add(node)

    @workflow.run
    async def run(self, job: str, wanted: int) -> int:
        await workflow.wait_condition(lambda: len(self.free) >= wanted, timeout=timedelta(hours=1))
        nodes = set(self.free)
        await workflow.execute_activity(
            assign_nodes,
            args=[job, nodes],  # mistake: HF404 or HF402 or HF401
            start_to_close_timeout=timedelta(minutes=1),
        )
        return len(nodes)
