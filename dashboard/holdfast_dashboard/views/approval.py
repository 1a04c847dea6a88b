"""The form of an approval, and the decision that it sends."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from holdfast_dashboard.deciding import decide, page_of
from holdfast_dashboard.rendering import OfSite, show
from holdfast_dashboard.security import MAX_BODY

router = APIRouter()


@router.get("/runs/{run_id}/approvals/{seq}")
async def approval(request: Request, site: OfSite, run_id: str, seq: int) -> Response:
    """Show the question with its form, or how it was decided."""
    page = page_of(await site.reader.asked(run_id, seq))
    return await show(request, site, "approval.html", page, title=page.question.ask)


@router.post("/runs/{run_id}/approvals/{seq}")
async def answer(request: Request, site: OfSite, run_id: str, seq: int) -> Response:
    """Record the decision, and return to the run."""
    sent = await request.form(max_part_size=MAX_BODY)
    given = {name: value for name, value in sent.items() if isinstance(value, str)}
    outcome = await decide(site.reader, run_id, seq, given)
    if outcome.page is None:
        return RedirectResponse(outcome.url, outcome.status)
    return await show(
        request,
        site,
        "approval.html",
        outcome.page,
        title=outcome.page.question.ask,
        status=outcome.status,
    )
