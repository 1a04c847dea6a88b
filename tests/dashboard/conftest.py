"""A real database with one run in each state, a real server, and a real browser."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pydantic import BaseModel, Field

from holdfast import ApplicationError, Client, Retry, Worker, activity, workflow
from holdfast.activity import Activity
from holdfast.clock import VirtualClock
from holdfast.workflow import Workflow
from holdfast_dashboard.app import create_app
from holdfast_dashboard.serving import Server, open_socket

ODD_ID = 'odd "id" <b>&\'50%41 é'
T = TypeVar("T")
XSS = "<script>alert('x')</script>"


class Decision(BaseModel):
    approved: bool
    comment: str = ""


class Verdict(BaseModel):
    approved: bool


class Speed(StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Address(BaseModel):
    street: str


class Shipment(BaseModel):
    """An answer with every kind of control."""

    insured: bool
    boxes: int = Field(ge=1, le=20, description="How many boxes leave the house.")
    weight: float
    speed: Speed
    colour: Literal["red", "blue"] = "red"
    note: str | None = None
    address: Address
    label: str = Field(default="parcel", max_length=20)


@activity.define(retry=Retry(initial=timedelta(hours=2), max_interval=timedelta(hours=2)))
async def charge_card(order: str) -> str:
    raise ConnectionError(f"payments answered 503 for {order}")


@activity.define
async def reserve_stock(order: str) -> str:
    return f"reserved for {order}"


@activity.define(queue="gpu")
async def render_video(name: str) -> str:
    return name


@workflow.define
async def refund(order: str, hours: int) -> bool:
    await reserve_stock(order)
    decision = await workflow.approval(
        "refund",
        ask=f"Refund 640 EUR for {order}?",
        to=["ops", "ana"],
        answer=Decision,
        timeout=timedelta(hours=hours),
        on_timeout=Decision(approved=False),
    )
    return decision.approved


@workflow.define
async def nightly(name: str) -> None:
    await asyncio.sleep(12 * 3600)


@workflow.define
async def checkout(order: str) -> str:
    return await charge_card(order)


@workflow.define
async def film(name: str) -> str:
    return await render_video(name)


@workflow.define(name="ship_order")
async def ship_order_before(order: str) -> str:
    await asyncio.sleep(600)
    return await reserve_stock(order)


@workflow.define(name="ship_order")
async def ship_order_after(order: str) -> str:
    await charge_card(order)
    await asyncio.sleep(600)
    return await reserve_stock(order)


@workflow.define
async def hello(name: str) -> dict[str, str]:
    return {"greeting": await reserve_stock(name)}


@workflow.define
async def load_file(name: str) -> None:
    raise ApplicationError(f"{name}: 3 of 900 rows have no customer", details={"rows": [4, 17, 90]})


@workflow.define
async def ship_parcel(to: str) -> dict[str, Any]:
    shipment = await workflow.approval(
        "ship", ask=f"How do we ship to {to}?", to=["dock"], answer=Shipment
    )
    return shipment.model_dump(mode="json")


@workflow.define
async def release(version: str) -> list[str]:
    votes = await workflow.approvals(
        "release",
        ask=f"Release {version}?",
        to=["ops"],
        answer=Verdict,
        shows={"version": version, "changes": [XSS, "a faster start"], "tests": {"passed": 812, "failed": 0}},
        remind=timedelta(days=1),
        escalate=workflow.Escalation(after=timedelta(hours=20), to=["boss"]),
    )  # fmt: skip
    return [vote.by for vote in votes]


WORKFLOWS: list[Workflow[Any, Any]] = [
    refund,
    nightly,
    checkout,
    film,
    hello,
    load_file,
    ship_parcel,
    release,
]
ACTIVITIES: list[Activity[..., Any]] = [charge_card, reserve_stock]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Reach a running dashboard, and the database behind it."""

    url: str
    client: Client
    web: httpx.Client

    def page(self, path: str) -> str:
        response = self.web.get(path)
        assert response.status_code == 200, response.text
        return response.text

    def json(self, path: str) -> Any:
        mark = "&" if "?" in path else "?"
        return self.web.get(f"{path}{mark}format=json").raise_for_status().json()

    def send(self, path: str, **form: str) -> httpx.Response:
        return self.web.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"})


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on a thread that has no event loop yet."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def worker(client: Client, ship_order: Any = ship_order_before) -> Worker:
    return Worker(client, workflows=[*WORKFLOWS, ship_order], activities=ACTIVITIES)


async def work_and_vanish(last: Worker) -> None:
    """Do what is due, and leave the worker's row as a process leaves it that is killed then."""
    await last.run_until_idle()
    await last._register()


async def play(client: Client, clock: VirtualClock) -> None:
    """Bring one run into each state, within an hour and a quarter of a minute."""
    await client.start(hello, "world", id="hello-1")
    await client.start(load_file, f"customers.csv {XSS}", id="import-9")
    await client.start(refund, "ord-1999", 1, id="refund-1999")
    await client.start(refund, "ord-2001", 72, id="refund-2001")
    await client.start(refund, XSS, 72, id=ODD_ID)
    await client.start(nightly, "reports", id="nightly-7")
    await client.start(checkout, "ord-81", id="checkout-81")
    await client.start(film, "trailer", id="film-5")
    for number in (300, 301):
        await client.start(ship_order_before, f"ord-{number}", id=f"ship-{number}")
    await work_and_vanish(worker(client))
    clock.advance(timedelta(minutes=11))
    await work_and_vanish(worker(client, ship_order_after))
    clock.advance(timedelta(minutes=48, seconds=50))
    await work_and_vanish(worker(client, ship_order_after))
    clock.advance(timedelta(seconds=12))


@contextlib.contextmanager
def serving(client: Client) -> Iterator[str]:
    """Serve a dashboard from a thread, and stop it afterwards."""
    ready = threading.Event()
    server = Server(create_app(client), open_socket("127.0.0.1", 0), ready=lambda _url: ready.set())
    thread = threading.Thread(target=server.serve_forever, name="dashboard")
    thread.start()
    assert ready.wait(10), "the server did not start"
    try:
        yield server.url
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"
        client.close()


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Show one run in each state; tests only read it."""
    clock = VirtualClock()
    client = Client(tmp_path_factory.mktemp("scene") / "holdfast.db", clock=clock)
    run(play(client, clock))
    with serving(client) as url, httpx.Client(base_url=url) as web:
        yield Site(url=url, client=client, web=web)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """Show a database of this test, with one run that waits for a person, by the real clock."""
    client = Client(tmp_path / "holdfast.db")

    async def prepare() -> None:
        await client.start(refund, "ord-1", 72, id="refund-1")
        await worker(client).run_until_idle()

    run(prepare())
    shown = Client(tmp_path / "holdfast.db")  # a second connection, as in production
    with serving(shown) as url, httpx.Client(base_url=url) as web:
        yield Site(url=url, client=client, web=web)
    client.close()


@pytest.fixture(scope="module")  # while it is open, this thread seems to run an event loop
def browser() -> Iterator[Browser]:
    """Open a real browser; a machine without one fails the tests instead of passing them by."""
    with sync_playwright() as playwright:
        bundled = Path(playwright.chromium.executable_path)
        found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        if found is None and not bundled.exists():
            pytest.fail(
                "These tests need a browser: apt-get install chromium-headless-shell, or playwright install chromium"
            )
        opened = playwright.chromium.launch(executable_path=found)
        yield opened
        opened.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """Open a tab in which an error on the console, or a breach of the content policy, fails the test."""
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda said: problems.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP: ' + e.violatedDirective))"
    )
    yield page
    page.close()
    assert problems == []
