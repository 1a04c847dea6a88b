"""The doorbell that pages listen to, and the check that others may poll."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from holdfast_dashboard.rendering import OfSite

router = APIRouter()


@router.get("/live", response_class=EventSourceResponse)
async def live(site: OfSite, since: int = 0) -> AsyncIterator[ServerSentEvent]:
    """Say `changed` whenever something has, beginning with what the page missed since it was made."""
    async for rung in site.bell.listen(since):
        yield ServerSentEvent(event="changed", raw_data=str(rung))


@router.get("/healthz")
async def healthz(site: OfSite) -> dict[str, str]:
    """Answer when the dashboard can read its database."""
    await site.client.workers()
    return {"status": "ok"}
