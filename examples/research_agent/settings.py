"""Settings: from the environment, else from the stand-in world, else one clear sentence."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from holdfast import ApplicationError

PORTS = range(1, 65536)


class SettingsError(ApplicationError):
    """Say which setting is missing or wrong; no attempt with the same settings goes better."""

    def __init__(self, message: str, *, non_retryable: bool = True) -> None:
        super().__init__(message, non_retryable=non_retryable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the outside services are, and where files are kept."""

    openai_base_url: str
    openai_api_key: str
    openai_model: str
    company_url: str
    rates_url: str
    news_url: str
    crm_url: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str
    smtp_starttls: bool
    mail_from: str
    data: Path
    page_delay: timedelta

    @property
    def outbox(self) -> Path:
        """Return the folder of finished PDFs."""
        return self.data / "outbox"


REQUIRED = (
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
    "COMPANY_URL",
    "RATES_URL",
    "NEWS_URL",
    "CRM_URL",
    "SMTP_HOST",
    "MAIL_FROM",
    "RESEARCH_AGENT_DATA",
)

OPTIONAL = {
    "OPENAI_MODEL": "gpt-4o-mini",
    "SMTP_PORT": "25",
    "SMTP_USER": "",
    "SMTP_PASSWORD": "",
    "SMTP_STARTTLS": "0",
    "RESEARCH_AGENT_PAGE_DELAY": "0",
}


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; the environment wins over the stand-in world's file."""
    values = {**OPTIONAL, **_read_world(environ), **_present(environ)}
    missing = [name for name in REQUIRED if not values.get(name)]
    if missing:
        raise SettingsError(
            f"The research agent has no value for {', '.join(missing)}: set them in the "
            "environment, or run `python -m research_agent.world --dir .holdfast/world` and set "
            "RESEARCH_AGENT_WORLD=.holdfast/world/world.json."
        )
    return Settings(
        openai_base_url=_address(values, "OPENAI_BASE_URL"),
        openai_api_key=values["OPENAI_API_KEY"],
        openai_model=values["OPENAI_MODEL"],
        company_url=_address(values, "COMPANY_URL"),
        rates_url=_address(values, "RATES_URL"),
        news_url=_address(values, "NEWS_URL"),
        crm_url=_address(values, "CRM_URL"),
        smtp_host=values["SMTP_HOST"],
        smtp_port=_port(values, "SMTP_PORT"),
        smtp_user=values["SMTP_USER"],
        smtp_password=values["SMTP_PASSWORD"],
        smtp_starttls=values["SMTP_STARTTLS"].lower() in {"1", "true", "yes", "on"},
        mail_from=values["MAIL_FROM"],
        data=Path(values["RESEARCH_AGENT_DATA"]),
        page_delay=_duration(values, "RESEARCH_AGENT_PAGE_DELAY"),
    )


def _present(environ: Mapping[str, str]) -> dict[str, str]:
    names = (*REQUIRED, *OPTIONAL)
    return {name: environ[name] for name in names if environ.get(name)}


def _read_world(environ: Mapping[str, str]) -> dict[str, str]:
    location = environ.get("RESEARCH_AGENT_WORLD")
    if not location:
        return {}
    try:
        world: dict[str, str] = json.loads(Path(location).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"RESEARCH_AGENT_WORLD names {location}, which is not there: "
            "is `python -m research_agent.world` running?",
            non_retryable=False,  # the stand-ins may only be starting again
        ) from None
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"RESEARCH_AGENT_WORLD names {location}, which cannot be read: {error}."
        ) from None
    return world


def _address(values: Mapping[str, str], name: str) -> str:
    try:
        url = httpx.URL(values[name])
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or (url.port or 1) not in PORTS:
        raise SettingsError(
            f"{name} must be an address such as https://service.example/v1, not {values[name]!r}."
        )
    return values[name].rstrip("/")


def _port(values: Mapping[str, str], name: str) -> int:
    text = values[name].strip()
    if not (text.isascii() and text.isdigit()) or int(text) not in PORTS:
        raise SettingsError(
            f"{name} must be a number from {PORTS[0]} to {PORTS[-1]}, not {values[name]!r}."
        )
    return int(text)


def _duration(values: Mapping[str, str], name: str) -> timedelta:
    try:
        seconds = float(values[name])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= timedelta.max.total_seconds():
        raise SettingsError(f"{name} must be a number of seconds, not {values[name]!r}.")
    return timedelta(seconds=seconds)
