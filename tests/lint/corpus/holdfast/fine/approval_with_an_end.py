"""Fine (HF901): the question has a deadline, and an answer for the case that nobody gives one."""

from dataclasses import dataclass
from datetime import timedelta

from holdfast import activity, workflow


@dataclass(frozen=True)
class Decision:
    approved: bool
    reason: str = ""


@activity.define
async def publish(article: str) -> str: ...


@workflow.define
async def article(text: str) -> str:
    decision = await workflow.approval(
        "publish",
        ask="Publish this article?",
        to=["editor"],
        answer=Decision,
        timeout=timedelta(days=2),
        on_timeout=Decision(approved=False, reason="nobody answered"),
    )
    return await publish(text) if decision.approved else f"not published: {decision.reason}"
