"""The overview: is anything waiting for me, is anything broken?"""

from fastapi import APIRouter, Request, Response

from holdfast_dashboard.rendering import OfSite, show

router = APIRouter()


@router.get("/")
async def overview(request: Request, site: OfSite) -> Response:
    """Show the state of everything."""
    return await show(
        request, site, "overview.html", await site.reader.overview(), title="Overview"
    )
