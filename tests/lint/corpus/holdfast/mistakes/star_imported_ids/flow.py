from holdfast import activity, workflow
from star_imported_ids.helpers import *


@activity.define
async def store(reference: str, text: str) -> None: ...


@workflow.define
async def note(text: str) -> str:
    reference = new_reference("note")
    await store(reference, text)
    return reference
