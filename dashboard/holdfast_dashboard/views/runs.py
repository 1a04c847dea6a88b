"""The list of runs, and the way from a part of an id to its run."""

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from holdfast.errors import UnknownRunError
from holdfast.health import CODES, Family
from holdfast_dashboard.model import Filters, run_url
from holdfast_dashboard.rendering import OfSite, show

router = APIRouter()
_STATES = ("all", "open", "closed")


@router.get("/runs")
async def runs(request: Request, site: OfSite) -> Response:
    """Show the runs that match the filters in the address."""
    content = await site.reader.runs(_filters(request))
    return await show(request, site, "runs.html", content, title="Runs")


@router.get("/find")
async def find(site: OfSite, run: str = "") -> Response:
    """Go to the run with this id or the only one that begins so, else to those that do."""
    try:
        found = await site.client.resolve(run.strip())
    except UnknownRunError:
        return RedirectResponse(Filters(prefix=run.strip()).url(), 303)
    return RedirectResponse(run_url(found), 303)


def _filters(request: Request) -> Filters:
    given = request.query_params
    health = given.get("health", "")
    if health and health not in {*CODES, *Family}:
        raise HTTPException(
            422, f"There is no health family or code {health!r}. The filters list them all."
        )
    state = given.get("state") or "all"
    if state not in _STATES:
        raise HTTPException(422, f"state is one of {', '.join(_STATES)}; {state!r} is not.")
    return Filters(
        health=health,
        workflow=given.get("workflow", "").strip(),
        prefix=given.get("prefix", "").strip(),
        state=state,
        before=_before(given.get("before", "")),
    )


def _before(given: str) -> tuple[int, str] | None:
    if not given:
        return None
    at, _, run_id = given.partition(",")
    try:
        return int(at), run_id
    except ValueError:
        raise HTTPException(
            422, f"before={given!r} is not the end of a page; start again from the newest run."
        ) from None
