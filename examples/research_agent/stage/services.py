"""Which services of the demonstration are real: those that the environment names."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from holdfast.errors import UsageError
from research_agent.settings import OPTIONAL, REQUIRED, SettingsError, load_settings

EXAMPLES = Path(__file__).resolve().parents[2]
NAMES = {
    "OPENAI_BASE_URL": "language model",
    "COMPANY_URL": "company register",
    "RATES_URL": "exchange rates",
    "NEWS_URL": "news",
    "CRM_URL": "CRM",
    "SMTP_HOST": "mail server",
}
# A key without an address belongs to another program, and is not for the stand-in.
COMPANIONS = {
    "OPENAI_BASE_URL": ("OPENAI_API_KEY", "OPENAI_MODEL"),
    "SMTP_HOST": ("SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD", "SMTP_STARTTLS", "MAIL_FROM"),
}


def find_real(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the addresses of real services by the names of their settings."""
    return {setting: environ[setting] for setting in NAMES if environ.get(setting)}


def describe_services(real: Mapping[str, str]) -> str:
    """Say which services are real and which are not."""
    stand_ins = [name for setting, name in NAMES.items() if setting not in real]
    parts = [f"the real {NAMES[setting]} at {place}" for setting, place in real.items()]
    if stand_ins:
        parts.append(
            f"stand-ins for the {_join(stand_ins)}, as local processes that count every call"
        )
    return "; ".join(parts)


def compose_environment(
    world: Path, *, page_delay: timedelta, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of a worker that uses the real services and the world's stand-ins."""
    composed = dict(environ)
    for setting, names in COMPANIONS.items():
        for name in names:
            if not environ.get(setting):
                composed.pop(name, None)
            elif name in OPTIONAL:
                composed.setdefault(name, OPTIONAL[name])
    quiet = {"127.0.0.1", "localhost", *filter(None, environ.get("NO_PROXY", "").split(","))}
    path = os.pathsep.join(filter(None, (str(EXAMPLES), environ.get("PYTHONPATH"))))
    return composed | {
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": ",".join(sorted(quiet)),
        "no_proxy": ",".join(sorted(quiet)),
        "RESEARCH_AGENT_WORLD": str(world / "world.json"),
        "RESEARCH_AGENT_DATA": str(world),
        "RESEARCH_AGENT_PAGE_DELAY": str(page_delay.total_seconds()),
    }


def check_settings(composed: Mapping[str, str]) -> None:
    """Raise `UsageError` when a worker could not use the environment composed for it."""
    given = {name: value for name, value in composed.items() if value}
    # The stand-ins have no addresses before they are started; any will do to check the others.
    given = dict.fromkeys(REQUIRED, "http://127.0.0.1") | given
    given.pop("RESEARCH_AGENT_WORLD", None)
    try:
        load_settings(given)
    except SettingsError as error:
        raise UsageError(error.message) from None


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
