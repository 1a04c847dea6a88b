"""What a person does in a real browser, with and without JavaScript, mouse and keyboard."""

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.dashboard.conftest import Site, hello, refund, run, worker

PAGES = [
    "/",
    "/runs",
    "/inbox",
    "/workers",
    "/about",
    "/runs/ship-300",
    "/runs/refund-2001",
    "/runs/import-9",
]


def start(site: Site, run_id: str) -> None:
    async def work() -> None:
        await site.client.start(refund, "ord-2", 72, id=run_id)
        await worker(site.client).run_until_idle()

    run(work())


def test_a_person_approves_and_the_run_page_shows_it(fresh: Site, tab: Page) -> None:
    tab.goto(fresh.url + "/inbox")
    tab.get_by_role("link", name="Refund 640 EUR for ord-1?").click()
    tab.get_by_label("Your name").fill("ana")
    tab.get_by_label("Comment").fill("customer is right")
    tab.get_by_role("button", name="Approve").click()

    expect(tab).to_have_url(fresh.url + "/runs/refund-1")
    decisions = tab.get_by_role("region", name="Decisions")
    expect(decisions).to_contain_text("Decided by ana")
    expect(decisions).to_contain_text("customer is right")

    run(worker(fresh.client).run_until_idle())
    expect(tab.get_by_role("region", name="State")).to_contain_text("Completed")


def test_a_person_approves_with_the_keyboard_alone(fresh: Site, tab: Page) -> None:
    tab.goto(fresh.url + "/runs/refund-1/approvals/2")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to content")).to_be_focused()
    tab.keyboard.press("Enter")
    for _ in range(2):  # the link to the run, then the comment
        tab.keyboard.press("Tab")
    expect(tab.get_by_label("Comment")).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.type("ana")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="Approve")).to_be_visible()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="Approve")).to_be_focused()
    tab.keyboard.press("Enter")

    expect(tab.get_by_role("region", name="Decisions")).to_contain_text("Decided by ana")


def test_a_change_in_another_process_arrives_without_a_reload(fresh: Site, tab: Page) -> None:
    tab.goto(fresh.url + "/")
    expect(tab.locator("#live")).to_have_text("live")
    tab.evaluate("window.stayed = true")
    start(fresh, "refund-2")

    expect(tab.get_by_role("link", name="Refund 640 EUR for ord-2?")).to_be_visible()
    expect(tab.get_by_role("link", name="Needs a person 2", exact=True)).to_be_visible()
    assert tab.evaluate("window.stayed") is True


def test_an_update_keeps_focus_typed_text_and_what_is_unfolded(fresh: Site, tab: Page) -> None:
    tab.goto(fresh.url + "/runs/refund-1")
    expect(tab.locator("#live")).to_have_text("live")
    tab.get_by_text("Evidence: 1 row").click()
    tab.get_by_label("Comment").fill("half a sent")
    tab.get_by_label("Your name").click()
    tab.keyboard.type("an")
    start(fresh, "refund-2")

    expect(tab.get_by_role("link", name="Needs a person 2", exact=True)).to_be_visible()
    tab.keyboard.type("a")
    expect(tab.get_by_label("Your name")).to_be_focused()
    expect(tab.get_by_label("Your name")).to_have_value("ana")
    expect(tab.get_by_label("Comment")).to_have_value("half a sent")
    expect(tab.get_by_text("delivered_at")).to_be_visible()


def test_a_form_that_somebody_else_decides_gives_way_to_the_decision(
    fresh: Site, tab: Page
) -> None:
    tab.goto(fresh.url + "/runs/refund-1/approvals/2")
    expect(tab.locator("#live")).to_have_text("live")
    fresh.send("/runs/refund-1/approvals/2", **{"answer.approved": "true", "by": "bob"})

    expect(tab.get_by_role("heading", name="Already decided by bob")).to_be_visible()
    expect(tab.get_by_role("button", name="Approve")).to_have_count(0)


def test_a_new_run_appears_in_the_list_and_a_filter_stays(fresh: Site, tab: Page) -> None:
    tab.goto(fresh.url + "/runs")
    tab.get_by_label("Id begins with").fill("hello")
    tab.get_by_role("button", name="Show").click()
    expect(tab.get_by_text("No run matches.")).to_be_visible()
    expect(tab.locator("#live")).to_have_text("live")

    async def greet() -> None:
        await fresh.client.start(hello, "x", id="hello-1")
        await fresh.client.start(hello, "y", id="other-1")

    run(greet())
    expect(tab.get_by_role("link", name="hello-1")).to_be_visible()
    expect(tab.get_by_role("link", name="other-1")).to_have_count(0)


def test_everything_works_without_javascript(fresh: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(fresh.url + "/")
    page.get_by_role("link", name="Refund 640 EUR for ord-1?").click()
    page.get_by_label("Your name").fill("ana")
    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_role("region", name="Decisions")).to_contain_text("Decided by ana")
    expect(page.get_by_role("region", name="Decisions")).to_contain_text('"approved": false')
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_narrow_screen_in_both_schemes(
    scene: Site, tab: Page, scheme: str
) -> None:
    tab.set_viewport_size({"width": 320, "height": 700})
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in PAGES:
        tab.goto(scene.url + path)
        expect(tab.get_by_role("main")).to_be_visible()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(scene: Site, tab: Page, scheme: str) -> None:
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in PAGES:
        tab.goto(scene.url + path)
        assert tab.evaluate(FAINT) == [], path


def test_users_text_never_becomes_markup(scene: Site, tab: Page) -> None:
    dialogs: list[str] = []
    tab.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path in ("/inbox", "/runs", "/runs/import-9"):
        tab.goto(scene.url + path)
        expect(tab.get_by_text("<script>alert('x')</script>").first).to_be_visible()
    assert dialogs == []


# The contrast of every text that is seen, by the formula of WCAG 2; returns those below 4.5.
FAINT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.nodeValue.trim());
    if (!own || !element.checkVisibility() || element.closest(".hidden, .skip")) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return faint;
}"""
