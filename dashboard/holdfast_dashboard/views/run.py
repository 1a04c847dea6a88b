"""One run: what it waits for, what happened, and its history file."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from holdfast_dashboard.rendering import OfSite, show

router = APIRouter()


@router.get("/runs/{run_id}")
async def run(request: Request, site: OfSite, run_id: str) -> Response:
    """Show everything about a run."""
    full = request.query_params.get("history") == "full"
    all_turns = request.query_params.get("turns") == "all"
    content = await site.reader.run(run_id, full=full, all_turns=all_turns)
    return await show(request, site, "run.html", content, title=run_id)


@router.get("/runs/{run_id}/history.hist.jsonl")
async def history_file(site: OfSite, run_id: str) -> Response:
    """Download what happened, as a file that `holdfast replay` and the test kit read."""
    text = await site.reader.history_file(run_id)
    name = quote(f"{run_id}.hist.jsonl", safe="")
    return PlainTextResponse(
        text,
        media_type="application/jsonl; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )
