"""HF932: each turn sends the whole conversation again, so the history grows with the square of its length."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def reply(conversation: list[str]) -> str:
    return f"answer {len(conversation)}"


@workflow.defn
class Chat:
    def __init__(self) -> None:
        self.inbox: list[str] = []
        self.ended = False

    @workflow.signal
    def say(self, text: str) -> None:
        self.inbox.append(text)

    @workflow.signal
    def end(self) -> None:
        self.ended = True

    @workflow.run
    async def run(self) -> int:
        conversation: list[str] = []
        while not self.ended:  # also: HF932
            await workflow.wait_condition(
                lambda: bool(self.inbox) or self.ended, timeout=timedelta(days=1)
            )
            conversation += self.inbox
            self.inbox.clear()
            conversation.append(  # mistake: HF932
                await workflow.execute_activity(
                    reply, conversation, start_to_close_timeout=timedelta(minutes=2)
                )
            )
        return len(conversation)
