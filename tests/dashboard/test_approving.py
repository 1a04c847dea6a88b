"""A person decides through a form: once, with a valid answer, and under a name."""

import asyncio
import html
from datetime import timedelta
from pathlib import Path

import httpx
from tests.dashboard.conftest import Site, release, run, serving, ship_parcel, worker

from holdfast.client import ApprovalSummary, Client
from holdfast.clock import VirtualClock

FORM = "/runs/refund-1/approvals/2"
PARCEL = {
    "answer.insured": "true",
    "answer.boxes": "3",
    "answer.weight": "2.5",
    "answer.speed": '"fast"',
    "answer.colour": '"blue"',
    "answer.note": "",
    "answer.address": '{"street": "Rua 1"}',
    "answer.label": "gift",
    "by": "ana",
    "comment": "by hand",
}


def approval(site: Site, run_id: str) -> ApprovalSummary:
    [found] = run(site.client.approvals(run_id=run_id, open_only=False))
    return found


def ask_for_parcel(site: Site) -> str:
    async def ask() -> None:
        await site.client.start(ship_parcel, "Porto", id="parcel-1")
        await worker(site.client).run_until_idle()

    run(ask())
    return "/runs/parcel-1/approvals/1"


def test_an_approval_is_recorded_with_name_and_comment_and_leads_back_to_the_run(
    fresh: Site,
) -> None:
    response = fresh.send(
        FORM, **{"answer.approved": "true", "answer.comment": "fine", "by": " ana "}
    )
    recorded = approval(fresh, "refund-1")

    assert (response.status_code, response.headers["location"]) == (303, "/runs/refund-1")
    assert (recorded.state, recorded.decided_by, recorded.comment) == ("decided", "ana", "fine")
    assert recorded.answer == {"approved": True, "comment": "fine"}


def test_the_run_goes_on_with_the_answer(fresh: Site) -> None:
    fresh.send(FORM, **{"answer.approved": "false", "by": "ana"})
    run(worker(fresh.client).run_until_idle())

    page = fresh.json("/runs/refund-1")
    assert page["result"] is False
    assert page["run"]["verdict"]["code"] == "closed.completed"
    assert page["decided"][0]["decided_by"] == "ana"


def test_a_second_decision_is_told_who_was_first_and_changes_nothing(fresh: Site) -> None:
    fresh.send(FORM, **{"answer.approved": "true", "by": "ana"})
    second = fresh.send(FORM, **{"answer.approved": "false", "by": "bob"})

    assert second.status_code == 409
    assert "Already decided by ana" in second.text
    assert "What you sent was not recorded." in second.text
    assert approval(fresh, "refund-1").answer == {"approved": True}


def test_two_decisions_at_the_same_moment_are_one(fresh: Site) -> None:
    async def race() -> list[int]:
        form = {"answer.approved": "true", "by": "ana"}
        loop = asyncio.get_running_loop()
        sent = [loop.run_in_executor(None, lambda: fresh.send(FORM, **form)) for _ in range(6)]
        return sorted(response.status_code for response in await asyncio.gather(*sent))

    assert asyncio.run(race()) == [303, 409, 409, 409, 409, 409]
    assert [
        turn["record"]["event"]["kind"] for turn in fresh.json("/runs/refund-1")["turns"]
    ].count("approval_decided") == 1


def test_a_decided_approval_shows_its_decision_instead_of_a_form(fresh: Site) -> None:
    fresh.send(FORM, **{"answer.approved": "true", "by": "ana"})
    page = fresh.page(FORM)

    assert "Already decided by ana" in page
    assert "not recorded" not in page
    assert '<form class="approval"' not in page


def test_a_decision_without_a_name_is_refused_and_the_form_keeps_what_was_typed(
    fresh: Site,
) -> None:
    response = fresh.send(
        FORM, **{"answer.approved": "true", "answer.comment": "keep <me>", "by": "  "}
    )

    assert response.status_code == 422
    assert "Write your name" in response.text
    assert "keep &lt;me&gt;</textarea>" in response.text
    assert approval(fresh, "refund-1").state == "open"


def test_a_decision_without_a_choice_is_refused(fresh: Site) -> None:
    response = fresh.send(FORM, by="ana")

    assert response.status_code == 422
    assert "Choose one of the answers." in response.text


def test_every_kind_of_control_reaches_the_answer(fresh: Site) -> None:
    response = fresh.send(ask_for_parcel(fresh), **PARCEL)
    run(worker(fresh.client).run_until_idle())

    assert response.status_code == 303
    assert approval(fresh, "parcel-1").comment == "by hand"
    assert fresh.json("/runs/parcel-1")["result"] == {
        "insured": True,
        "boxes": 3,
        "weight": 2.5,
        "speed": "fast",
        "colour": "blue",
        "note": None,
        "address": {"street": "Rua 1"},
        "label": "gift",
    }


def test_an_answer_that_does_not_fit_its_type_is_refused_in_a_sentence(fresh: Site) -> None:
    path = ask_for_parcel(fresh)
    too_many = fresh.send(path, **{**PARCEL, "answer.boxes": "21"})
    no_number = fresh.send(path, **{**PARCEL, "answer.boxes": "many", "answer.address": "{"})

    assert (too_many.status_code, no_number.status_code) == (422, 422)
    assert "boxes: 21 is greater than the maximum of 20" in html.unescape(too_many.text)
    assert 'value="21"' in too_many.text
    assert "Write a whole number" in no_number.text
    assert "Write JSON" in no_number.text
    assert approval(fresh, "parcel-1").state == "open"


def test_the_form_says_who_is_asked_and_what_happens_without_an_answer(fresh: Site) -> None:
    page = fresh.page(FORM)

    assert "Refund 640 EUR for ord-1?" in page
    assert "<strong>ops, ana</strong>" in page
    assert "the timeout answers instead" in page
    assert ">Approve</button>" in page
    assert ">Reject</button>" in page


def test_a_long_answer_is_taken_and_a_name_without_end_is_not(fresh: Site) -> None:
    essay = "x" * 1_500_000
    refused = fresh.send(FORM, **{"answer.approved": "true", "by": "n" * 900})

    taken = fresh.send(FORM, **{"answer.approved": "true", "answer.comment": essay, "by": "ana"})

    assert refused.status_code == 422
    assert "needs 1 to 200 characters" in html.unescape(refused.text)
    assert taken.status_code == 303
    assert approval(fresh, "refund-1").answer["comment"] == essay


def ask_for_release(site: Site) -> str:
    async def ask() -> None:
        await site.client.start(release, "2.0", id="release-1")
        await worker(site.client).run_until_idle()

    run(ask())
    return "/runs/release-1/approvals/1"


def test_a_form_shows_what_it_is_about_and_sends_back_what_was_seen(fresh: Site) -> None:
    form = ask_for_release(fresh)
    digest = approval(fresh, "release-1").digest
    page = html.unescape(fresh.page(form))

    assert '"version": "2.0"' in page
    assert f'<input type="hidden" name="saw" value="{digest}">' in page
    sent = fresh.send(form, **{"answer.approved": "true", "by": "ana", "saw": digest})
    [vote] = approval(fresh, "release-1").votes
    assert (sent.status_code, vote.by, vote.saw) == (303, "ana", digest)


def test_several_people_answer_and_each_sees_who_has(fresh: Site) -> None:
    form = ask_for_release(fresh)
    fresh.send(form, **{"answer.approved": "true", "by": "ana", "comment": "<b>go</b>"})

    for page in (fresh.page(form), fresh.page("/runs/release-1")):
        assert "<strong>1 of 2</strong> people have answered." in page
        assert "<strong>ana</strong>" in page
        assert "&lt;b&gt;go&lt;/b&gt;" in page
    assert "1 of 2 have answered" in fresh.page("/inbox")
    again = fresh.send(form, **{"answer.approved": "true", "by": "ANA"})
    assert again.status_code == 422
    assert "has the answer of ana already" in html.unescape(again.text)
    assert fresh.send(form, **{"answer.approved": "false", "by": "bo"}).status_code == 303
    run(worker(fresh.client).run_until_idle())
    decided = fresh.page(form)
    assert "Already decided by ana, bo" in decided
    assert "<strong>bo</strong>" in decided
    assert fresh.json("/runs/release-1")["result"] == ["ana", "bo"]


def test_an_answer_to_a_question_that_has_changed_is_refused_and_the_form_shows_today_s(
    fresh: Site,
) -> None:
    form = ask_for_release(fresh)
    response = fresh.send(form, **{"answer.approved": "true", "by": "ana", "saw": "0" * 64})

    assert response.status_code == 422
    assert "has changed since you saw it" in response.text
    assert approval(fresh, "release-1").digest in response.text
    assert approval(fresh, "release-1").votes == ()


def test_reminders_and_escalations_stand_beside_the_question(tmp_path: Path) -> None:
    clock = VirtualClock()
    client = Client(tmp_path / "holdfast.db", clock=clock)

    async def a_day() -> None:
        await client.start(release, "2.0", id="release-1")
        for hours in (0, 20, 5):
            clock.advance(timedelta(hours=hours))
            await worker(client).run_until_idle()

    run(a_day())
    with serving(client) as url, httpx.Client(base_url=url) as web:
        page = web.get("/runs/release-1/approvals/1").text
        inbox = web.get("/inbox").text

    assert "people have answered. Reminded once, last " in " ".join(page.split())
    assert ". Escalated <time" in " ".join(page.split())
    assert "<strong>ops, boss</strong>" in page
    assert "reminded once, escalated" in inbox
