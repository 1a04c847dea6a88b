"""A person says through a form what became of an activity whose outcome nobody could find out: once, under a name."""

import pytest
from tests.dashboard.conftest import Site, run
from tests.dashboard.test_pages import text_of

from holdfast import Retry, Worker, activity, workflow

FORM = "/runs/pay-1/activities/1"


@activity.define(effect="once", retry=Retry(max_attempts=3))
async def pay(order: str) -> int:
    raise ConnectionError("the bank hung up")


@workflow.define
async def paying(order: str) -> int:
    return await pay(order)


async def _work(site: Site) -> None:
    await Worker(site.client, workflows=[paying], activities=[pay]).run_until_idle()


@pytest.fixture
def unsure(fresh: Site) -> Site:
    async def prepare() -> None:
        await fresh.client.start(paying, "ord-1", id="pay-1")
        await _work(fresh)

    run(prepare())
    return fresh


def state(site: Site) -> tuple[str, str | None]:
    row = run(site.client.describe("pay-1")).activities[0]
    return row.state, row.resolved_by


def test_the_page_of_a_run_has_the_form_and_says_what_is_not_known(unsure: Site) -> None:
    page = unsure.page("/runs/pay-1")

    assert "Did pay happen?" in page
    assert f'action="{FORM}"' in page
    assert "Nobody knows whether attempt 1 of pay (#1) had its effect" in text_of(page)
    assert unsure.json("/runs/pay-1")["unknown"][0]["seq"] == 1
    assert "It did not: try again" in unsure.page(FORM)


def test_what_happened_is_recorded_with_its_result_and_the_run_goes_on(unsure: Site) -> None:
    response = unsure.send(FORM, outcome="happened", result="4711", by=" ana ")
    run(_work(unsure))

    assert (response.status_code, response.headers["location"]) == (303, "/runs/pay-1")
    assert state(unsure) == ("completed", "ana")
    assert unsure.json("/runs/pay-1")["result"] == 4711


def test_what_did_not_happen_is_tried_again(unsure: Site) -> None:
    assert unsure.send(FORM, outcome="retry", by="ana").status_code == 303
    assert state(unsure)[0] == "ready"

    run(_work(unsure))
    assert run(unsure.client.describe("pay-1")).activities[0].attempt == 2


def test_an_activity_can_be_let_fail_for_a_reason(unsure: Site) -> None:
    assert unsure.send(FORM, outcome="fail", reason="the bank lost it", by="ana").status_code == 303
    run(_work(unsure))

    assert "the bank lost it" in unsure.json("/runs/pay-1")["run"]["verdict"]["why"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"outcome": "happened", "result": "paid", "by": "ana"}, "The result is not JSON"),
        ({"outcome": "happened", "result": '"paid"', "by": "ana"}, "does not decode as int"),
        ({"outcome": "happened", "result": "", "by": "ana"}, "does not decode as int"),
        ({"outcome": "fail", "reason": " ", "by": "ana"}, "Say why it fails"),
        ({"outcome": "retry", "by": " "}, "please write your name"),
        ({"outcome": "", "by": "ana"}, "Choose what happened."),
    ],
)
def test_what_is_missing_or_does_not_fit_is_told_and_nothing_is_recorded(
    unsure: Site, sent: dict[str, str], words: str
) -> None:
    response = unsure.send(FORM, **sent)

    assert response.status_code == 422
    assert words in text_of(response.text)
    assert state(unsure) == ("attention", None)


def test_the_form_keeps_what_was_typed(unsure: Site) -> None:
    page = unsure.send(FORM, outcome="fail", reason="", result="<b>", by="ana").text

    assert "&lt;b&gt;</textarea>" in page
    assert 'name="by" value="ana"' in page


def test_a_second_decision_is_told_what_was_decided_and_changes_nothing(unsure: Site) -> None:
    unsure.send(FORM, outcome="happened", result="1", by="ana")
    second = unsure.send(FORM, outcome="fail", reason="no", by="bob")

    assert second.status_code == 409
    assert "Already decided: happened by ana" in second.text
    assert "What you sent was not recorded." in second.text
    assert state(unsure) == ("completed", "ana")


def test_an_activity_that_nobody_is_asked_about_has_no_form(unsure: Site) -> None:
    assert unsure.web.get("/runs/pay-1/activities/9").status_code == 404
    assert unsure.web.get("/runs/refund-1/activities/1").status_code == 404
