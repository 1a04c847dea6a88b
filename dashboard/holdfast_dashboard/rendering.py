"""One model, three forms: a whole page, the part of it that updates itself, and JSON."""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from holdfast.client import Client
from holdfast.health import CODES, Family
from holdfast_dashboard import words
from holdfast_dashboard.live import Bell
from holdfast_dashboard.reading import Reader, counts_of
from holdfast_dashboard.settings import TEMPLATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Hold what every page needs."""

    client: Client
    reader: Reader
    bell: Bell
    templates: Environment


def site_of(request: Request) -> Site:
    """Return the site that serves a request."""
    return cast("Site", request.app.state.site)


async def _site_of(request: Request) -> Site:
    return site_of(request)  # a plain function would cost a thread for each request


OfSite = Annotated[Site, Depends(_site_of)]


def templates() -> Environment:
    """Return the templates; what is missing in one is an error, and every value is escaped."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("iso", "exact", "relative", "shorten", "compact", "pretty"):
        found.filters[name] = getattr(words, name)
    found.globals |= {"FAMILIES": words.FAMILIES, "Family": Family, "CODES": CODES}
    return found


def jsonable(value: Any) -> Any:
    """Return a model as JSON."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(jsonable(key)): jsonable(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(jsonable(item) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [jsonable(item) for item in value]
    return value


async def show(
    request: Request, site: Site, template: str, model: Any, *, title: str, status: int = 200
) -> Response:
    """Return a page in the form that was asked for."""
    if wants_json(request):
        return json_response(jsonable(model), status)
    since = site.bell.rung  # before the reading, so that nothing falls between the two
    open_runs = await site.reader.open_runs()
    context = {
        "it": model,
        "now": getattr(model, "now", open_runs.now),
        "fragment": template,
        "title": title,
        "path": request.url.path,
        "again": _address(request) if request.method == "GET" else None,
        "twin": _address(request, format="json") if request.method == "GET" else None,
        "counts": counts_of(open_runs),
        "since": since,
    }
    return _html(site, context, partial="HX-Request" in request.headers, status=status)


def problem(request: Request, site: Site, sentence: str, *, title: str, status: int) -> Response:
    """Return a page that says in a sentence what is wrong; it needs no database."""
    if wants_json(request):
        return json_response({"error": sentence, "status": status}, status)
    context = {
        "it": {"title": title, "sentence": sentence, "status": status},
        "now": 0,
        "fragment": "problem.html",
        "title": title,
        "path": request.url.path,
        "again": None,
        "twin": None,
        "counts": {},
        "since": site.bell.rung,
    }
    return _html(site, context, partial="HX-Request" in request.headers, status=status)


def wants_json(request: Request) -> bool:
    """Tell whether a page's JSON twin is asked for."""
    return request.query_params.get("format") == "json"


def json_response(tree: Any, status: int) -> Response:
    """Return JSON, readable as it stands."""
    text = json.dumps(tree, ensure_ascii=False, indent=2) + "\n"
    return Response(text, status, media_type="application/json")


def _html(site: Site, context: Mapping[str, Any], *, partial: bool, status: int) -> Response:
    name = "page.html" if partial else "document.html"
    text = site.templates.get_template(name).render(context)
    return HTMLResponse(text, status, headers={"Vary": "HX-Request"})


def _address(request: Request, **changes: str) -> str:
    query = {name: value for name, value in request.query_params.items() if value} | changes
    path = request.scope["raw_path"].decode("ascii")
    return f"{path}?{urlencode(query)}" if query else path
