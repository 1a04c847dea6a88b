"""What every request must satisfy, and what every response tells the browser."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAX_BODY = 3_000_000  # above the runtime's limit for a payload
_SAFE = {"GET", "HEAD", "OPTIONS"}


class Guard:
    """Refuse foreign hosts, forged forms and oversized bodies; add the security headers to every response."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset({"localhost", "127.0.0.1", "::1", *hosts})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message))
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        await (refusal or self._app)(scope, receive, sending)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if _name_of(host) not in self._hosts:
            return _refuse(400, f"This dashboard does not answer for the host {host!r}.")
        if method in _SAFE:
            return None
        if not is_own_form(headers):
            return _refuse(
                403,
                "This form was not sent by the dashboard itself. Open the page here and send it again.",
            )
        return _body_refusal(headers)


def is_own_form(headers: Headers) -> bool:
    """Tell whether a request that changes something comes from a page of the dashboard.

    Browsers say so in `Sec-Fetch-Site`; those that do not send it send `Origin`.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin == f"http://{headers.get('host', '')}"


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _body_refusal(headers: Headers) -> PlainTextResponse | None:
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return _refuse(411, "A form must say how long it is.")
    if int(length) > MAX_BODY:
        return _refuse(413, f"This form is larger than {MAX_BODY:,} bytes. Nothing was changed.")
    return None


def _refuse(status: int, sentence: str) -> PlainTextResponse:
    return PlainTextResponse(sentence + "\n", status)


def _protect(headers: MutableHeaders) -> None:
    headers["Content-Security-Policy"] = POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")
