"""The form for an activity whose outcome nobody knows, and what a person says became of it."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from holdfast_dashboard.rendering import OfSite, show
from holdfast_dashboard.resolving import resolve
from holdfast_dashboard.security import MAX_BODY

router = APIRouter()


@router.get("/runs/{run_id}/activities/{seq}")
async def activity(request: Request, site: OfSite, run_id: str, seq: int) -> Response:
    """Show what is known with its form, or what was decided."""
    page = await site.reader.unknown(run_id, seq)
    return await show(
        request, site, "activity.html", page, title=f"Did {page.unknown.name} happen?"
    )


@router.post("/runs/{run_id}/activities/{seq}")
async def answer(request: Request, site: OfSite, run_id: str, seq: int) -> Response:
    """Record what happened, and return to the run."""
    sent = await request.form(max_part_size=MAX_BODY)
    given = {name: value for name, value in sent.items() if isinstance(value, str)}
    outcome = await resolve(site.reader, run_id, seq, given)
    if outcome.page is None:
        return RedirectResponse(outcome.url, outcome.status)
    title = f"Did {outcome.page.unknown.name} happen?"
    return await show(
        request, site, "activity.html", outcome.page, title=title, status=outcome.status
    )
