"""HF401 or HF403: which claim comes next is what `set.pop` happens to give."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def settle(claim: str) -> None:
    activity.logger.info("settled %s", claim)


@workflow.defn
class SettleClaims:
    @workflow.run
    async def run(self, claims: list[str]) -> int:
        pending: set[str] = set(claims)
        settled = 0
        while pending:
            claim = pending.pop()  # mistake: HF401 or HF403
            await workflow.execute_activity(  # also: HF401 or HF403
                settle, claim, start_to_close_timeout=timedelta(minutes=1)
            )
            settled += 1
        return settled
