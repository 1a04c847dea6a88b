"""HF709: a call gives its arguments twice, once alone and once as a list."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def greet(name: str, language: str) -> str:
    return f"{language}: {name}"


@workflow.defn
class Greet:
    @workflow.run
    async def run(self, name: str, language: str) -> str:
        return await workflow.execute_activity(  # mistake: HF709
            greet, name, args=[name, language], start_to_close_timeout=timedelta(minutes=1)
        )
