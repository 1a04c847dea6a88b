"""The page of a run leads to its parent, its children and its chain, and shows what it has published."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.dashboard.conftest import XSS, Site, run, serving

from holdfast import Client, Worker, workflow

go = workflow.Signal("go", str)


@workflow.define
async def leaf() -> str:
    return await go.receive()


@workflow.define
async def trunk(rounds: int) -> None:
    workflow.publish("note", XSS)
    workflow.start_child(leaf, id=f"leaf {rounds}", on_close="abandon")
    await go.receive()
    workflow.continue_as_new(rounds + 1)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Site]:
    client = Client(tmp_path / "family.db")

    async def grow() -> None:
        made = await client.start(trunk, 1, id="t", attributes={"customer": XSS})
        await made.signal(go, "on")
        await Worker(client, workflows=[trunk, leaf]).run_until_idle()

    run(grow())
    with serving(client) as url, httpx.Client(base_url=url) as web:
        yield Site(url=url, client=client, web=web)
    client.close()


@pytest.mark.parametrize(
    ("page", "roles"),
    [
        ("t", {("Continued as", "t~2"), ("Child", "leaf 1")}),
        ("t~2", {("Continues", "t"), ("Child", "leaf 2")}),
        ("leaf%202", {("Started by", "t~2")}),
    ],
)
def test_related_runs_are_links_that_lead_to_them(
    family: Site, page: str, roles: set[tuple[str, str]]
) -> None:
    text = family.page(f"/runs/{page}")
    found = re.findall(r'<li>([A-Z][a-z ]+) <a class="id" href="([^"]*)">([^<]*)</a>', text)

    assert {(role, html.unescape(name)) for role, _, name in found} == roles
    for _, href, name in found:
        assert f'<h1 class="id">{name}</h1>' in family.page(html.unescape(href))


def test_attributes_and_published_values_are_shown_as_text(family: Site) -> None:
    text = family.page("/runs/t~2")

    assert XSS not in text
    assert "Attributes: 1" in text
    assert "Published: 1" in text
    twin = family.json("/runs/t~2")
    assert twin["attributes"] == {"customer": XSS}
    assert twin["published"] == {"note": XSS}
    assert [relative["id"] for relative in twin["relatives"]] == ["t", "leaf 2"]
