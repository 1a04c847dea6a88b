"""HF931: an activity gives back the content of a whole file, which the history keeps twice."""

from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow


@activity.defn
def load_export(name: str) -> bytes:
    return Path("/exports", name).read_bytes()  # mistake: HF931


@activity.defn
def store_export(name: str, content: bytes) -> int:
    return Path("/archive", name).write_bytes(content)


@workflow.defn
class ArchiveExport:
    @workflow.run
    async def run(self, name: str) -> int:
        content = await workflow.execute_activity(  # also: HF931
            load_export, name, start_to_close_timeout=timedelta(minutes=5)
        )
        return await workflow.execute_activity(  # also: HF931
            store_export, args=[name, content], start_to_close_timeout=timedelta(minutes=5)
        )
