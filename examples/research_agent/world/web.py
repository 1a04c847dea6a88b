"""The HTTP half of the outside world, one process."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from research_agent.world import llm, services
from research_agent.world.child import announce, end_with_parent, listen, read_arguments
from research_agent.world.faults import read_faults
from research_agent.world.ledger import Entry, Journal

SERVICES = {
    "v1": "llm",
    "register": "company",
    "rates": "rates",
    "news": "news",
    "crm": "crm",
    "flaky": "flaky",
}
UNAVAILABLE = 503


def create_app(directory: Path) -> FastAPI:
    """Put the services together over one journal."""
    app = FastAPI(openapi_url=None)
    app.state.journal = Journal(directory / "web.jsonl")
    app.include_router(llm.router)
    app.include_router(services.router)

    @app.middleware("http")
    async def refuse_while_broken(
        request: Request, proceed: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        service = SERVICES.get(request.url.path.split("/")[1], "unknown")
        status = UNAVAILABLE if service == "flaky" else read_faults(directory).get(service)
        if status is None:
            return await proceed(request)
        key = request.headers.get("Idempotency-Key")
        operation = request.url.path.rsplit("/", maxsplit=1)[-1]
        entry = Entry(service=service, operation=operation, key=key, status=status)
        request.app.state.journal.record(entry)
        message = f"The {service} service is out of order at the moment."
        return JSONResponse({"error": {"message": message}}, status_code=status)

    return app


def main() -> None:
    """Serve until the parent ends."""
    directory, port = read_arguments()
    app, listener = create_app(directory), listen(port)
    end_with_parent()
    announce(listener)
    config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
