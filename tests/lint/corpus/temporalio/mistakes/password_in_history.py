"""HF921: a password travels as an argument, and stays readable in the history."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def connect(host: str, user: str, password: str) -> bool:
    return bool(host and user and password)


@workflow.defn
class CheckConnection:
    @workflow.run
    async def run(self, host: str, user: str, password: str) -> bool:  # also: HF921
        return await workflow.execute_activity(  # mistake: HF921
            connect, args=[host, user, password], start_to_close_timeout=timedelta(minutes=1)
        )
