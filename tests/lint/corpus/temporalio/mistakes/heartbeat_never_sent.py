"""HF707: the activity must heartbeat every ten seconds and never does, so a long file always times out."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
def transcode(video: str) -> str:  # also: HF707
    size = 0
    for block in range(10_000):
        size += len(f"{video}{block}")
    return f"{video}.mp4 ({size})"


@workflow.defn
class Transcode:
    @workflow.run
    async def run(self, video: str) -> str:
        return await workflow.execute_activity(  # mistake: HF707
            transcode,
            video,
            start_to_close_timeout=timedelta(hours=2),
            heartbeat_timeout=timedelta(seconds=10),
        )
