"""Fine (HF121): `uuid5` computes an id from a name, and `UUID` only reads one."""

import uuid
from datetime import timedelta

from temporalio import activity, workflow

SHOP = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@activity.defn
async def open_case(case: str) -> None:
    activity.logger.info("case %s", case)


@workflow.defn
class OpenCase:
    @workflow.run
    async def run(self, order: str) -> str:
        case = str(uuid.uuid5(SHOP, order))
        await workflow.execute_activity(
            open_case, case, start_to_close_timeout=timedelta(minutes=1)
        )
        return case
