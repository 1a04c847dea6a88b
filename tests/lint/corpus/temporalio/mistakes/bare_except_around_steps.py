"""HF712: a bare `except` in a loop also catches what throws the run out of memory."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def sync_contact(contact: str) -> None:
    activity.logger.info("synced %s", contact)


@workflow.defn
class SyncContacts:
    @workflow.run
    async def run(self, contacts: list[str]) -> int:
        failed = 0
        for contact in contacts:
            try:
                await workflow.execute_activity(
                    sync_contact, contact, start_to_close_timeout=timedelta(minutes=1)
                )
            except:  # mistake: HF712 or HF711
                failed += 1
        return failed
