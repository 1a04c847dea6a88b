"""Fine (HF401): sets are sorted before they are walked, or only asked what they hold."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def invite(guest: str) -> None:
    activity.logger.info("invited %s", guest)


@workflow.defn
class Invite:
    def __init__(self) -> None:
        self.declined: set[str] = set()

    @workflow.signal
    def decline(self, guest: str) -> None:
        self.declined.add(guest)

    @workflow.run
    async def run(self, guests: list[str], barred: list[str]) -> int:
        wanted = set(guests) - set(barred)
        for guest in sorted(wanted):
            if guest not in self.declined:
                await workflow.execute_activity(
                    invite, guest, start_to_close_timeout=timedelta(minutes=1)
                )
        return len(wanted - self.declined)
