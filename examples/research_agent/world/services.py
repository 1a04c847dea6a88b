"""Stand-ins for the company register, the exchange rates, the news and the CRM."""

import hashlib
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from research_agent.world.ledger import Entry, Journal

CITIES = (("Rotterdam", "NL"), ("Leipzig", "DE"), ("Porto", "PT"), ("Gdańsk", "PL"))
EUR_RATES = {"EUR": "1", "USD": "1.1704", "GBP": "0.8719", "CHF": "0.9365", "SEK": "10.9410"}
HEADLINES = (
    "{} opens a second warehouse",
    "{} names a new head of operations",
    "{} reports steady demand in the third quarter",
)

router = APIRouter()


@router.get("/register/lei-records")
async def find_company(
    request: Request, name: Annotated[str, Query(alias="filter[entity.legalName]")]
) -> dict[str, Any]:
    """Find a legal entity by its name, as api.gleif.org does."""
    _read(request, "company", "lei-records")
    digest = hashlib.sha256(name.encode()).hexdigest()
    city, country = CITIES[int(digest[:8], 16) % len(CITIES)]
    entity = {
        "legalName": {"name": name, "language": "en"},
        "legalAddress": {"city": city, "country": country},
        "status": "ACTIVE",
    }
    identifier = digest[:20].upper()
    record = {"type": "lei-records", "id": identifier, "attributes": {"entity": entity}}
    return {"data": [record]}


@router.get("/rates/latest")
async def list_rates(request: Request, base: str = "EUR", symbols: str = "") -> JSONResponse:
    """List reference rates, as api.frankfurter.dev does."""
    _read(request, "rates", "latest")
    if base not in EUR_RATES:
        return JSONResponse({"message": "not found"}, status_code=404)
    wanted = [name for name in symbols.split(",") if name in EUR_RATES] or list(EUR_RATES)
    in_eur = Decimal(EUR_RATES[base])
    rates = {n: round(float(Decimal(EUR_RATES[n]) / in_eur), 4) for n in wanted if n != base}
    content = {"amount": 1.0, "base": base, "date": "2025-01-02", "rates": rates}
    return JSONResponse(content)


@router.get("/news/doc")
async def list_news(request: Request, query: str, maxrecords: int = 10) -> dict[str, Any]:
    """List articles that name somebody, as api.gdeltproject.org does."""
    _read(request, "news", "doc")
    name = query.strip('"')
    articles = [
        {
            "url": f"https://news.example/{hashlib.sha256(title.encode()).hexdigest()[:12]}",
            "title": title,
            "seendate": f"2025010{day}T080000Z",
            "domain": "news.example",
            "language": "English",
        }
        for day, title in enumerate((line.format(name) for line in HEADLINES), start=1)
    ]
    return {"articles": articles[:maxrecords]}


@router.post("/crm/notes", status_code=201)
async def add_note(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """Add a note to a customer's file, once per idempotency key."""
    journal: Journal = request.app.state.journal
    key = request.headers.get("Idempotency-Key")
    known = journal.find("crm", key)
    if known:
        journal.record(Entry(service="crm", operation="add_note", key=key))
        return known.body
    row = {**body, "id": f"note-{len(journal.list_effects('crm')) + 1}"}
    entry = Entry(service="crm", operation="add_note", key=key, effect=True, status=201, body=row)
    return journal.record(entry).body


@router.get("/crm/notes")
async def list_notes(request: Request) -> list[dict[str, Any]]:
    """List every note, oldest first."""
    journal: Journal = request.app.state.journal
    return [entry.body for entry in journal.list_effects("crm")]


def _read(request: Request, service: str, operation: str) -> None:
    journal: Journal = request.app.state.journal
    journal.record(Entry(service=service, operation=operation))
