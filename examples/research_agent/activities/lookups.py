"""Three public services, each asked with one GET for one kind of fact."""

from datetime import datetime, timedelta
from typing import Any

from holdfast import activity
from research_agent.activities.calls import ServiceError, get_json
from research_agent.model import Fact
from research_agent.settings import load_settings

HEADLINES = 3
CURRENCIES = ("EUR", "USD", "GBP")


@activity.define(timeout=timedelta(seconds=30), effect="pure")
async def look_up_company(customer: str) -> Fact:
    """Find the customer in the register of legal entities."""
    url = f"{load_settings().company_url}/lei-records"
    found = await get_json(url, {"filter[entity.legalName]": customer, "page[size]": 1})
    records = found.get("data") or []
    text = _describe(records[0]) if records else f"{customer} is not in the register."
    return Fact(source=url, title=f"Register entry of {customer}", text=text)


def _describe(record: dict[str, Any]) -> str:
    try:
        entity = record["attributes"]["entity"]
        name, address = entity["legalName"]["name"], entity["legalAddress"]
        place = f"{address['city']}, {address['country']}"
        return f"{name} of {place} is {entity['status'].lower()} under LEI {record['id']}."
    except (KeyError, TypeError, AttributeError) as error:
        raise ServiceError(f"The register's record has no {error}.") from error


@activity.define(timeout=timedelta(seconds=30), effect="pure")
async def fetch_rates(currency: str) -> Fact:
    """Read today's reference rates of the customer's currency."""
    url = f"{load_settings().rates_url}/latest"
    wanted = ",".join(other for other in CURRENCIES if other != currency)
    found = await get_json(url, {"base": currency, "symbols": wanted})
    try:
        rates = ", ".join(f"{rate} {other}" for other, rate in sorted(found["rates"].items()))
        text = f"On {found['date']} one {currency} was worth {rates}."
    except (KeyError, AttributeError) as error:
        raise ServiceError(f"The rates service sent no {error}.") from error
    return Fact(source=url, title=f"Reference rates of {currency}", text=text)


@activity.define(timeout=timedelta(seconds=30), effect="pure")
async def fetch_news(customer: str) -> list[Fact]:
    """Read the latest headlines that name the customer; none is a fine answer."""
    phrase = '"' + " ".join(customer.replace('"', " ").split()) + '"'
    found = await get_json(
        load_settings().news_url,
        {"query": phrase, "mode": "artlist", "format": "json", "maxrecords": HEADLINES},
    )
    try:
        return [
            Fact(
                source=article["url"],
                title=f"News from {article['domain']}",
                text=f"{article['title']} ({datetime.fromisoformat(article['seendate']).date()}).",
            )
            for article in found.get("articles", [])[:HEADLINES]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ServiceError(f"The news service sent an unreadable article: {error}.") from error
