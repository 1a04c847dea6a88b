"""The web application and its wiring."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from holdfast.client import Client
from holdfast.errors import DatabasePermissionError, SealedPayloadError, StoreError, UnknownRunError
from holdfast_dashboard.live import Bell, Changes
from holdfast_dashboard.reading import Reader
from holdfast_dashboard.rendering import Site, problem, site_of, templates
from holdfast_dashboard.security import Guard
from holdfast_dashboard.settings import STATIC
from holdfast_dashboard.views import (
    about,
    activity,
    approval,
    inbox,
    live,
    overview,
    run,
    runs,
    workers,
)

_PAGES = (overview, runs, run, approval, activity, inbox, workers, about, live)


def create_app(client: Client, *, hosts: Iterable[str] = ()) -> FastAPI:
    """Return the dashboard of a client's database.

    Args:
        client: It stays open for as long as the application runs; closing it is up to the caller.
        hosts: Host names to answer for, besides those of this machine.
    """
    changes = Changes(client.url)
    bell = Bell(changes)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with bell.watching():
            yield

    app = FastAPI(
        title="holdfast dashboard",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # addresses hold run ids
    )
    app.state.site = Site(
        client=client, reader=Reader(client, changes.count), bell=bell, templates=templates()
    )
    for page in _PAGES:
        app.include_router(page.router)
    app.mount("/static", _Static(directory=STATIC))
    app.add_middleware(Guard, hosts=hosts)
    _say_what_is_wrong(app)
    return app


class _Static(StaticFiles):
    """Serve files; those of others carry their version in the address and never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with how long a browser may keep it."""
        response = await super().get_response(path, scope)
        kept = path.startswith("vendor/")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if kept else "no-cache"
        )
        return response


def _say_what_is_wrong(app: FastAPI) -> None:
    app.add_exception_handler(UnknownRunError, _unknown)
    app.add_exception_handler(StoreError, _broken_store)
    app.add_exception_handler(DatabasePermissionError, _forbidden)
    app.add_exception_handler(SealedPayloadError, _sealed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _not_found)
    app.add_exception_handler(Exception, _bug)


async def _unknown(request: Request, error: Exception) -> Response:
    sentence = cast("UnknownRunError", error).message
    return problem(request, site_of(request), sentence, title="Not found", status=404)


async def _broken_store(request: Request, error: Exception) -> Response:
    sentence = cast("StoreError", error).message
    return problem(
        request, site_of(request), sentence, title="The database cannot be read", status=503
    )


async def _forbidden(request: Request, error: Exception) -> Response:
    sentence = cast("DatabasePermissionError", error).message
    return problem(request, site_of(request), sentence, title="Not allowed here", status=403)


async def _sealed(request: Request, error: Exception) -> Response:
    sentence = cast("SealedPayloadError", error).message
    return problem(request, site_of(request), sentence, title="Encrypted", status=409)


async def _http(request: Request, error: Exception) -> Response:
    found: Any = error
    if found.status_code == 404:  # noqa: PLR2004 - not found
        return await _not_found(request, error)
    return problem(
        request,
        site_of(request),
        str(found.detail),
        title="That cannot be shown",
        status=found.status_code,
    )


async def _not_found(request: Request, _error: Exception) -> Response:
    sentence = f"There is no page {request.url.path}."
    return problem(request, site_of(request), sentence, title="Not found", status=404)


async def _bug(request: Request, error: Exception) -> Response:
    sentence = f"This is a bug in the dashboard: {type(error).__name__}. Its log has the details."
    return problem(request, site_of(request), sentence, title="Something went wrong", status=500)
