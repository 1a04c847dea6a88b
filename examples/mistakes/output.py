"""An approval that logs the same thing in every replay."""

import logging
import sys

from holdfast import activity, workflow

LOGGER = logging.getLogger(__name__)


class Approvals:
    def __init__(self, desk: str) -> None:
        self.log = logging.getLogger(desk)

    def note(self, text: str) -> None:
        self.log.info("noted %s", text)  # mistake: HF602


@activity.define
async def publish(text: str) -> None:
    LOGGER.info("publishing %s", text)
    print("published")


@workflow.define
async def approve(text: str) -> bool:
    print("asking for approval of", text)  # mistake: HF601
    approvals = Approvals("legal")
    approvals.note(text)
    approved = await workflow.approval("publish", ask=f"Publish {text}?", to=["legal"], answer=bool)
    LOGGER.info("approved: %s", approved)  # mistake: HF602
    logging.warning("about to publish")  # mistake: HF602
    sys.stdout.write("done\n")  # mistake: HF601
    workflow.logger.info("approved: %s", approved)
    await publish(text)
    return approved
