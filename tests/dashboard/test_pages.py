"""Every page shows what the database holds: the state of each run, why, and what happens next."""

import html
import re
from urllib.parse import quote

import pytest
from tests.dashboard.conftest import ODD_ID, XSS, Site

from holdfast.history import parse_history

STATES = {
    "ship-300": ("stuck", "stuck.nondeterminism", "Code changed"),
    "film-5": ("stuck", "stuck.no_worker", "No worker"),
    "refund-2001": ("person", "human.waiting", "Needs a person"),
    "refund-1999": ("person", "human.overdue", "Overdue"),
    "checkout-81": ("retrying", "retry.activity", "Retrying"),
    "nightly-7": ("waiting", "wait.timer", "Sleeping"),
    "hello-1": ("closed", "closed.completed", "Completed"),
    "import-9": ("closed", "closed.failed", "Failed"),
}
PAGES = ["/", "/runs", "/inbox", "/workers", "/about", *(f"/runs/{run}" for run in STATES)]


def text_of(page: str) -> str:
    """Return what a reader sees of a page, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.mark.parametrize(("run", "state"), STATES.items())
def test_each_run_is_shown_under_its_family_with_its_code_and_evidence(
    scene: Site, run: str, state: tuple[str, str, str]
) -> None:
    family, code, label = state
    listed = {row["id"] for row in scene.json(f"/runs?health={family}")["runs"]}
    page = scene.page(f"/runs/{run}")
    facts = scene.json(f"/runs/{run}")

    assert run in listed
    assert run in {row["id"] for row in scene.json(f"/runs?health={code}")["runs"]}
    assert facts["run"]["verdict"]["code"] == code
    assert f'class="badge {family}' in page
    assert label in text_of(page)
    assert facts["run"]["verdict"]["why"] in text_of(page)
    for column in facts["pending"][0]["evidence"][0]["columns"]:
        assert f"<code>{column}</code>" in page


@pytest.mark.parametrize("path", PAGES)
def test_the_json_twin_tells_the_facts_of_the_page(scene: Site, path: str) -> None:
    tree = scene.json(path)
    shown = text_of(scene.page(path))

    def verdicts(node: object) -> list[dict[str, str]]:
        if isinstance(node, dict):
            inner = [found for value in node.values() for found in verdicts(value)]
            return [node, *inner] if {"why", "code", "label"} <= node.keys() else inner
        return (
            [found for item in node for found in verdicts(item)] if isinstance(node, list) else []
        )

    for verdict in verdicts(tree):
        assert verdict["label"] in shown
    if path.startswith("/runs/"):
        assert tree["run"]["id"] in shown
        assert all(item["verdict"]["why"] in shown for item in tree["pending"])


def test_the_overview_counts_each_family_and_says_which_is_oldest(scene: Site) -> None:
    cards = {card["family"]: card for card in scene.json("/")["cards"]}

    assert {family: card["count"] for family, card in cards.items()} == {
        "stuck": 3,
        "person": 3,
        "retrying": 1,
        "waiting": 1,
        "working": 0,
    }
    assert cards["person"]["overdue"] == 1
    assert cards["working"]["oldest"] is None
    assert "1 overdue" in text_of(scene.page("/"))


def test_the_overview_groups_stuck_runs_by_cause_and_asks_the_most_urgent_question_first(
    scene: Site,
) -> None:
    overview = scene.json("/")

    assert [(cause["code"], cause["count"]) for cause in overview["causes"]] == [
        ("stuck.nondeterminism", 2),
        ("stuck.no_worker", 1),
    ]
    assert overview["questions"][0]["run"] == "refund-1999"
    assert (overview["workers_live"], overview["workers_lost"]) == (1, 2)
    assert {run["id"] for run in overview["closed"]} == {"hello-1", "import-9"}


def test_a_blocked_run_shows_both_lines_of_code_and_a_way_out(scene: Site) -> None:
    page = text_of(scene.page("/runs/ship-300"))

    assert "in ship_order_before <-- differs" in page
    assert "in ship_order_after <-- differs" in page
    assert "fix: if workflow.patched(" in page
    assert "No worker has applied this yet." in page


def test_a_failed_run_shows_its_error_and_the_details(scene: Site) -> None:
    page = text_of(scene.page("/runs/import-9"))

    assert f"Failed: ApplicationError: customers.csv {XSS}: 3 of 900 rows have no customer" in page
    assert '"rows": [ 4, 17, 90 ]' in page


def test_a_run_that_waits_says_what_happens_if_nobody_acts(scene: Site) -> None:
    page = text_of(scene.page("/runs/refund-2001"))

    assert re.search(r"If nobody acts: In 2 d \d+ h the timeout answers instead\.", page)
    assert re.search(r"conftest\.py:\d+ in refund", page)


def test_a_history_is_shown_in_words_and_in_full(scene: Site) -> None:
    page = text_of(scene.page("/runs/refund-2001"))

    assert 'Started with "ord-2001", 72' in page
    assert 'reserve_stock #1 returned "reserved for ord-2001"' in page
    assert "ask ops, ana: Refund 640 EUR for ord-2001?" in page
    assert '"kind": "request_approval"' in text_of(scene.page("/runs/refund-2001?history=full"))


def test_a_long_history_shows_its_end_first(scene: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast_dashboard.reading.TURNS", 1)
    short = text_of(scene.page("/runs/refund-2001"))
    whole = text_of(scene.page("/runs/refund-2001?turns=all"))

    assert "1 earlier turn" in short
    assert 'Started with "ord-2001"' not in short
    assert 'Started with "ord-2001"' in whole


def test_a_history_downloads_as_the_file_that_replay_reads(scene: Site) -> None:
    response = scene.web.get(f"/runs/{quote(ODD_ID, safe='')}/history.hist.jsonl")

    assert parse_history(response.text).header.run == ODD_ID
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''odd%20")


def test_ids_questions_and_errors_of_users_are_shown_as_text(scene: Site) -> None:
    for path in (
        *PAGES,
        f"/runs/{quote(ODD_ID, safe='')}",
        f"/runs/{quote(ODD_ID, safe='')}/approvals/2",
    ):
        page = scene.page(path)
        assert "<script>alert" not in page
        assert "<b>" not in page
    assert XSS in text_of(scene.page("/inbox"))
    assert ODD_ID in text_of(scene.page("/runs"))


def test_a_run_with_odd_characters_in_its_id_is_reached_by_the_link_to_it(scene: Site) -> None:
    rows = scene.json("/runs")["runs"]
    url = next(row["url"] for row in rows if row["id"] == ODD_ID)

    assert scene.json(url)["run"]["id"] == ODD_ID


def test_runs_are_filtered_by_family_workflow_beginning_and_state(scene: Site) -> None:
    def ids(query: str) -> set[str]:
        return {row["id"] for row in scene.json(f"/runs?{query}")["runs"]}

    assert ids("workflow=ship_order") == {"ship-300", "ship-301"}
    assert ids("prefix=refund-") == {"refund-1999", "refund-2001"}
    assert ids("state=closed") == {"hello-1", "import-9"}
    assert ids("state=open&workflow=hello") == set()
    assert ids("health=stuck&workflow=film") == {"film-5"}


def test_the_next_page_of_runs_begins_where_the_last_one_ended(
    scene: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast_dashboard.reading.PAGE", 4)
    everything: list[str] = []
    url: str | None = "/runs"
    while url:
        page = scene.json(url)
        everything += [row["id"] for row in page["runs"]]
        url = page["next_url"]

    assert len(everything) == len(set(everything)) == 10


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/runs?health=sick", "There is no health family or code 'sick'"),
        ("/runs?state=ajar", "state is one of all, open, closed"),
        ("/runs?before=yesterday", "is not the end of a page"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_a_sentence(
    scene: Site, path: str, sentence: str
) -> None:
    response = scene.web.get(path)

    assert response.status_code == 422
    assert sentence in html.unescape(response.text)


@pytest.mark.parametrize(
    "path",
    ["/runs/nope", "/runs/nope/history.hist.jsonl", "/runs/nope/approvals/1", "/runs/hello-1/approvals/9",
     "/runs/hello-1/approvals/first", "/nowhere"],
)  # fmt: skip
def test_what_does_not_exist_is_a_page_that_says_so(scene: Site, path: str) -> None:
    response = scene.web.get(path)

    assert response.status_code == 404
    assert "There is no" in text_of(response.text) or "has no approval" in text_of(response.text)
    assert scene.web.get(path, params={"format": "json"}).json()["status"] == 404


def test_the_search_goes_to_the_one_run_that_begins_so_else_lists_them(scene: Site) -> None:
    one = scene.web.get("/find?run=checkout")
    several = scene.web.get("/find?run=refund-")

    assert one.headers["location"] == "/runs/checkout-81"
    assert several.headers["location"] == "/runs?prefix=refund-"


def test_the_workers_page_tells_live_from_lost_and_names_work_that_nobody_takes(
    scene: Site,
) -> None:
    workers = scene.json("/workers")

    assert [worker["state"] for worker in workers["workers"]] == ["live", "lost", "lost"]
    assert [cause["code"] for cause in workers["causes"]] == ["stuck.no_worker"]
    assert "Queue 'gpu' has no worker." in text_of(scene.page("/workers"))


def test_about_shows_every_code_and_licence(scene: Site) -> None:
    about = text_of(scene.page("/about"))

    assert "stuck.no_mover" in about
    assert "htmx: 0BSD" in about
    assert "worker_dead 30 s" in about


def test_a_part_of_a_page_is_sent_to_htmx_alone(scene: Site) -> None:
    part = scene.web.get("/runs?health=stuck", headers={"HX-Request": "true"}).text

    assert part.lstrip().startswith('<div id="page" hx-get="/runs?health=stuck"')
    assert "<head" not in part


def test_healthz_answers_while_the_database_can_be_read(scene: Site) -> None:
    assert scene.web.get("/healthz").json() == {"status": "ok"}
