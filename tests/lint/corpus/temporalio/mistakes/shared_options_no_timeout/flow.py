from temporalio import activity, workflow

from shared_options_no_timeout.options import BATCH


@activity.defn
async def resize(picture: str) -> str:
    activity.heartbeat(picture)
    return f"small-{picture}"


@workflow.defn
class Thumbnails:
    @workflow.run
    async def run(self, pictures: list[str]) -> list[str]:
        return [
            await workflow.execute_activity(resize, picture, **BATCH)  # mistake: HF705
            for picture in pictures
        ]
