"""Fine (HF123): `hash` and `id` are names of parameters here."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def fetch_block(id: str, hash: str) -> str:
    return f"{id}:{hash}"


def label(id: str, hash: str) -> str:
    return f"{id[:4]}-{hash[:8]}"


@workflow.defn
class Mirror:
    @workflow.run
    async def run(self, id: str, hash: str) -> str:
        block = await workflow.execute_activity(
            fetch_block, args=[id, hash], start_to_close_timeout=timedelta(minutes=1)
        )
        return f"{label(id, hash)} {block}"
