"""HF723: the run can end while a signal handler still waits for its activity."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def add_guest(name: str) -> None:
    activity.logger.info("added %s", name)


@workflow.defn
class Party:
    def __init__(self) -> None:
        self.done = False

    @workflow.signal
    async def invite(self, name: str) -> None:  # also: HF723
        await workflow.execute_activity(
            add_guest, name, start_to_close_timeout=timedelta(minutes=1)
        )

    @workflow.signal
    def close(self) -> None:
        self.done = True

    @workflow.run
    async def run(self) -> str:  # also: HF723
        await workflow.wait_condition(lambda: self.done, timeout=timedelta(days=7))  # also: HF723
        return "closed"  # mistake: HF723
