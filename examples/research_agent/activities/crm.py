"""The customer's file: one note per report sent."""

from datetime import timedelta

from holdfast import activity
from research_agent.activities.calls import ServiceError, post_json
from research_agent.settings import load_settings


@activity.define(timeout=timedelta(seconds=30), effect="idempotent")
async def write_crm(customer: str, note: str) -> str:
    """Write a note into the customer's file, once per idempotency key; return its row id."""
    row = await post_json(
        f"{load_settings().crm_url}/notes",
        {"customer": customer, "note": note},
        idempotency_key=activity.idempotency_key(),
    )
    if "id" not in row:
        raise ServiceError("The CRM answered without the id of the row.")
    return str(row["id"])
