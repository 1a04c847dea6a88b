"""What this dashboard is, and by which limits it judges."""

import platform
from dataclasses import dataclass
from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from holdfast.health import CODES, Code
from holdfast_dashboard.reading import thresholds
from holdfast_dashboard.rendering import OfSite, show
from holdfast_dashboard.settings import vendored

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Be the content of the about page."""

    versions: dict[str, str]
    database: str
    thresholds: tuple[tuple[str, str, str], ...]
    codes: tuple[Code, ...]
    licences: tuple[dict[str, str], ...]


@router.get("/about")
async def about(request: Request, site: OfSite) -> Response:
    """Show versions, the database, the limits of health, its codes and licences."""
    found = vendored()
    versions = {name: version(name) for name in ("holdfast", "fastapi", "jinja2", "uvicorn")}
    content = About(
        versions=versions
        | {"python": platform.python_version()}
        | {v.name: v.version for v in found},
        database=site.client.database.place,
        thresholds=thresholds(),
        codes=tuple(CODES.values()),
        licences=tuple({"name": v.name, "licence": v.spdx, "source": v.source} for v in found),
    )
    return await show(request, site, "about.html", content, title="About")
