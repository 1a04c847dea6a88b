"""`holdfast demo`: an agent that survives kill -9, and waits for a person."""

import os
import sys
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import click

from holdfast.errors import UsageError
from research_agent.stage.narrator import Narrator

CUSTOMER_EMAIL = "office@nordlicht.example"
NEEDED = ("fastapi", "uvicorn", "jinja2", "httpx", "fpdf", "aiosmtpd")
TITLE = (
    "An agent answers a customer's question. It is killed with kill -9 in the middle of its work, "
    "goes on in another process, and waits for a person before anything is sent."
)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--once", is_flag=True, help="Approve by itself, count, and end; serve nothing.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="The working folder; by default a new one below .holdfast here.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The dashboard's port; by default 8765, or any free one when that is in use.",
)
@click.option("--email", help=f"Where the report goes; by default {CUSTOMER_EMAIL}.")
def demo(*, once: bool, directory: Path | None, port: int | None, email: str | None) -> None:
    """Show an agent that survives kill -9 and waits for a person, on a dashboard until Ctrl-C.

    Services that the environment names (OPENAI_BASE_URL, COMPANY_URL, RATES_URL, NEWS_URL, CRM_URL, SMTP_HOST)
    are used for real; the others are stand-ins on this machine.
    """
    if os.environ.get("SMTP_HOST") and not email:
        raise UsageError(
            "SMTP_HOST names a real mail server: say with --email who may get the report, "
            "or unset SMTP_HOST to use the stand-in."
        )
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"The demonstration needs {', '.join(missing)}. Run: pip install 'holdfast[all]'"
        )
    narrator = Narrator()
    narrator.open(TITLE)
    # Late, because it takes a second or two: the title comes first.
    from research_agent.stage.play import Programme, play  # noqa: PLC0415
    from research_agent.stage.serving import choose_port  # noqa: PLC0415

    programme = Programme(
        folder=directory or _name_folder(),
        email=email or CUSTOMER_EMAIL,
        port=None if once else choose_port(port),
    )
    sys.exit(play(programme, narrator))


def _name_folder() -> Path:
    return Path(".holdfast") / f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
