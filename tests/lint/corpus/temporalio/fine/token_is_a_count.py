"""Fine (HF921): `max_tokens`, `password_rules` and the name of a secret are no secrets."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow


@dataclass
class Prompt:
    text: str
    max_tokens: int
    secret_name: str


@activity.defn
async def complete(prompt: Prompt) -> str:
    return prompt.text[: prompt.max_tokens]


@activity.defn
async def check(password_rules: str) -> bool:
    return password_rules != ""


@workflow.defn
class Complete:
    @workflow.run
    async def run(self, text: str) -> str:
        prompt = Prompt(text=text, max_tokens=400, secret_name="models/primary")
        await workflow.execute_activity(
            check, "at least twelve letters", start_to_close_timeout=timedelta(minutes=1)
        )
        return await workflow.execute_activity(
            complete, prompt, start_to_close_timeout=timedelta(minutes=2)
        )
