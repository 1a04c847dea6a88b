"""HF605: the mail is sent only where the run is not replayed, so replay asks for fewer activities than the history has."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def send_mail(address: str) -> None:
    activity.logger.info("mail to %s", address)


@workflow.defn
class ConfirmBooking:
    @workflow.run
    async def run(self, address: str) -> None:
        if not workflow.unsafe.is_replaying():  # mistake: HF605
            await workflow.execute_activity(
                send_mail, address, start_to_close_timeout=timedelta(minutes=1)
            )
        await workflow.sleep(timedelta(days=1))
