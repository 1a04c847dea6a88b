"""One HTTP call: what may be tried again, and what may not."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from holdfast import ApplicationError

CALL_TIMEOUT = timedelta(seconds=20)
WORTH_RETRYING = frozenset({408, 409, 425, 429})
SERVER_ERROR = 500
CLIENT_ERROR = 400


class ServiceError(RuntimeError):
    """Say which service failed and how; trying again may help."""


async def get_json(url: str, params: Mapping[str, str | int]) -> dict[str, Any]:
    """GET a JSON object."""
    async with httpx.AsyncClient(timeout=CALL_TIMEOUT.total_seconds()) as client:
        return _read(await client.get(url, params=dict(params)))


async def post_json(
    url: str,
    body: Mapping[str, Any],
    *,
    idempotency_key: str,
    bearer: str = "",
    timeout: timedelta = CALL_TIMEOUT,  # noqa: ASYNC109 (httpx enforces it)
) -> dict[str, Any]:
    """POST a JSON object that the server must act upon once per idempotency key."""
    headers = {"Idempotency-Key": idempotency_key}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    async with httpx.AsyncClient(timeout=timeout.total_seconds()) as client:
        return _read(await client.post(url, json=dict(body), headers=headers))


def _read(response: httpx.Response) -> dict[str, Any]:
    status, request = response.status_code, response.request
    place = f"{request.method} {request.url.copy_with(query=None)}"
    if status >= SERVER_ERROR or status in WORTH_RETRYING:
        raise ServiceError(f"{place} answered {status}: {_reason(response)}")
    if status >= CLIENT_ERROR:
        raise ApplicationError(
            f"{place} refused with {status}: {_reason(response)}", non_retryable=True
        )
    try:
        content = response.json()
    except ValueError:
        raise ServiceError(f"{place} answered no JSON: {response.text[:200]}") from None
    if not isinstance(content, dict):
        raise ServiceError(f"{place} answered {type(content).__name__}, not an object.")
    return content


def _reason(response: httpx.Response) -> str:
    try:
        content = response.json()
    except ValueError:
        return response.text[:200] or response.reason_phrase
    match content:
        case {"error": {"message": str(message)}} | {"detail": str(message)}:
            return message
    return response.text[:200]
