"""Workers and queues."""

from fastapi import APIRouter, Request, Response

from holdfast_dashboard.rendering import OfSite, show

router = APIRouter()


@router.get("/workers")
async def workers(request: Request, site: OfSite) -> Response:
    """Show who works, and which queues nobody serves."""
    return await show(request, site, "workers.html", await site.reader.workers(), title="Workers")
