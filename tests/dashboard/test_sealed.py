"""What is sealed with a key that the dashboard does not know is shown as such; every page still opens."""

from collections.abc import Iterator

import httpx
import pytest
from tests.dashboard.conftest import Site, play, release, run, serving, work_and_vanish, worker
from tests.dashboard.test_pages import text_of

from holdfast.client import Client
from holdfast.clock import VirtualClock
from holdfast.payloads import Encrypt, new_key

SEALED = "encrypted: key k1 is not known here"
RUNS = ["ship-300", "film-5", "refund-2001", "checkout-81", "nightly-7", "hello-1", "import-9"]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Show runs whose payloads another process has sealed; tests only read them."""
    clock = VirtualClock()
    path = tmp_path_factory.mktemp("sealed") / "holdfast.db"
    owner = Client(path, clock=clock, codecs=[Encrypt(new_key("k1"))])

    async def prepare() -> None:
        await play(owner, clock)
        await owner.start(release, "1.0", id="release-1")
        await work_and_vanish(worker(owner))

    run(prepare())
    owner.close()
    shown = Client(path, clock=clock, codecs=[])
    with serving(shown) as url, httpx.Client(base_url=url) as web:
        yield Site(url=url, client=shown, web=web)


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/inbox", "/workers", *(f"/runs/{name}" for name in RUNS)]
)
def test_every_page_opens_without_the_key(sealed: Site, path: str) -> None:
    assert sealed.page(path)
    assert sealed.json(path)


@pytest.mark.parametrize("name", ["refund-2001", "checkout-81", "import-9", "release-1"])
def test_the_page_of_a_run_says_which_key_it_needs(sealed: Site, name: str) -> None:
    page = text_of(sealed.page(f"/runs/{name}"))

    assert SEALED in page
    assert "ord-" not in page
    assert "customers.csv" not in page


def test_a_question_without_its_key_is_listed_and_cannot_be_answered(sealed: Site) -> None:
    inbox = text_of(sealed.page("/inbox"))
    answered = run(sealed.client.approvals(run_id="refund-2001"))

    assert SEALED in inbox
    assert "640" not in inbox
    assert [question.state for question in answered] == ["open"]


def test_a_history_without_its_key_is_not_downloaded(sealed: Site) -> None:
    (link,) = {
        part for part in sealed.page("/runs/hello-1").split('"') if part.endswith("jsonl")
    } or {"/runs/hello-1/history"}
    response = sealed.web.get(link)

    assert response.status_code == 409
    assert "key k1 is not known here" in text_of(response.text)
