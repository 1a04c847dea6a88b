"""The last act, for as long as somebody watches: the dashboard, and the person who decides."""

import asyncio
import re
import socket
import sys
from datetime import timedelta

from holdfast.errors import UsageError
from research_agent.stage.crew import Member
from research_agent.stage.stage import REPORT, Stage, near
from research_agent.stage.story import conclude

HOST = "127.0.0.1"
USUAL_PORT = 8765
GLANCE = timedelta(milliseconds=500)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of this machine."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None) -> int:
    """Return the port that was asked for, else the usual one, else 0 for any free one."""
    if wanted is None:
        return USUAL_PORT if is_free(USUAL_PORT) else 0
    if not is_free(wanted):
        raise UsageError(
            f"Port {wanted} is in use. Give another --port, or none to take one that is free."
        )
    return wanted


async def serve(stage: Stage, port: int) -> None:
    """Show the dashboard until cancelled, and tell when the report's run ends."""
    stage.narrator.tell("Starting the dashboard …")
    command = ("dashboard", "--db", str(stage.database), "--port", str(port))
    dashboard = stage.crew.start("dashboard", *command)
    url = await stage.until("the dashboard to start", lambda: _find_address(dashboard))
    stage.narrator.show(
        f"Dashboard  {url}\n"
        f"This run   {url}/runs/{REPORT}\n\n"
        "Approve the report there, or from another terminal:\n"
        f"{sys.argv[0]} approve {REPORT} send-report '{{\"approved\": true}}' --by you "
        f"--db {near(stage.database)}\n\n"
        "Ctrl-C ends the demonstration and all its processes."
    )
    await _watch(stage)


async def _find_address(dashboard: Member) -> str | None:
    found = re.search(r"^dashboard: (http://\S+?)/?$", dashboard.read_log(), re.MULTILINE)
    return found[1] if found else None


async def _watch(stage: Stage) -> None:
    told = False
    while True:
        stage.check()
        if not told and (await stage.client.describe(REPORT)).summary.closed_at is not None:
            await conclude(stage)
            stage.narrator.tell("The dashboard stays until Ctrl-C.")
            told = True
        elif not told:
            await stage.tell_trouble()
        await asyncio.sleep(GLANCE.total_seconds())
