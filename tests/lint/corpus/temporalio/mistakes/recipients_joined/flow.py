from datetime import timedelta

from temporalio import activity, workflow

from recipients_joined.lines import address_line


@activity.defn
async def send_minutes(to: str) -> None:
    activity.logger.info("minutes to %s", to)


@workflow.defn
class SendMinutes:
    @workflow.run
    async def run(self, present: list[str], invited: list[str]) -> None:
        line = address_line(present, invited)
        await workflow.execute_activity(
            send_minutes,
            line,
            start_to_close_timeout=timedelta(minutes=1),  # also: HF401 or HF402
        )
