"""Fine (HF401): the loop over the set only clears entries that are there, in whatever order."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def find_bad_nodes(nodes: list[str]) -> list[str]:
    return nodes[:1]


@workflow.defn
class Cluster:
    @workflow.run
    async def run(self, jobs: dict[str, str]) -> dict[str, str | None]:
        nodes: dict[str, str | None] = dict(jobs)
        bad = set(
            await workflow.execute_activity(
                find_bad_nodes, list(nodes), start_to_close_timeout=timedelta(minutes=1)
            )
        )
        for node in bad:
            nodes[node] = None
        return nodes
