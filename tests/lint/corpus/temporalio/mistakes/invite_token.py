"""HF113: the token of an invitation comes from the entropy of the machine."""

import secrets
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def send_invitation(address: str, link: str) -> None:
    activity.logger.info("invited %s", address)


@workflow.defn
class Invite:
    @workflow.run
    async def run(self, address: str) -> None:
        link = f"https://example.org/join/{secrets.token_urlsafe(16)}"  # mistake: HF113
        await workflow.execute_activity(
            send_invitation, args=[address, link], start_to_close_timeout=timedelta(minutes=1)
        )
