"""Needs a person: every open question."""

from fastapi import APIRouter, Request, Response

from holdfast_dashboard.rendering import OfSite, show

router = APIRouter()


@router.get("/inbox")
async def inbox(request: Request, site: OfSite) -> Response:
    """Show the open approvals, the most urgent first."""
    return await show(
        request, site, "inbox.html", await site.reader.inbox(), title="Needs a person"
    )
