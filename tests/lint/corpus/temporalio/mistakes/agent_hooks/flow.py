from datetime import timedelta

from temporalio import activity, workflow

from agent_hooks.hooks import LoggingHooks
from agent_hooks.runner import Runner


@activity.defn
async def complete(prompt: str) -> str:
    return prompt.upper()


@workflow.defn
class Answer:
    @workflow.run
    async def run(self, question: str) -> str:
        runner = Runner(hooks=LoggingHooks(run="answer"))
        runner.hooks.on_start(question)
        answer = await workflow.execute_activity(
            complete, question, start_to_close_timeout=timedelta(minutes=2)
        )
        return runner.finish(answer)
