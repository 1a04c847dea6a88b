"""Foreign hosts and forged forms are refused, and the browser is told to run nothing that is not ours."""

import re
from pathlib import Path

import httpx
import pytest
from tests.dashboard.conftest import Site

from holdfast.errors import UsageError
from holdfast_dashboard.security import MAX_BODY
from holdfast_dashboard.settings import STATIC, TEMPLATES, address, checked_host

FORM = "/runs/refund-1/approvals/2"
ANSWER = {"answer.approved": "true", "by": "ana"}


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "OWN"}],
)
def test_the_dashboards_own_forms_decide(fresh: Site, headers: dict[str, str]) -> None:
    sent = {name: value.replace("OWN", fresh.url) for name, value in headers.items()}

    assert fresh.web.post(FORM, data=ANSWER, headers=sent).status_code == 303
    assert fresh.json("/runs/refund-1")["decided"] != []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_forms_of_other_sites_decide_nothing(scene: Site, headers: dict[str, str]) -> None:
    sent = {name: value.replace("OWN", scene.url) for name, value in headers.items()}
    response = scene.web.post("/runs/refund-2001/approvals/2", data=ANSWER, headers=sent)

    assert response.status_code == 403
    assert scene.json("/runs/refund-2001")["decided"] == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("[::1]:8765", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("[bad", 400),
        ("", 400),
    ],
)
def test_only_the_names_of_this_machine_are_answered(scene: Site, host: str, status: int) -> None:
    assert scene.web.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/static/app.css", "/runs?format=json", "/healthz"]
)
def test_every_response_carries_the_policy(scene: Site, path: str) -> None:
    headers = scene.web.get(path).headers

    assert headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self';"
    )
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert ("no-store" in headers["cache-control"]) == (not path.startswith("/static"))


def test_a_form_that_is_too_large_or_hides_its_size_is_refused(fresh: Site) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    large = fresh.web.post(FORM, content=b"x" * (MAX_BODY + 1), headers=own)
    hidden = fresh.web.post(FORM, content=iter([b"by=ana"]), headers=own)

    assert (large.status_code, hidden.status_code) == (413, 411)


def test_static_files_stay_inside_their_folder(scene: Site) -> None:
    response = httpx.get(f"{scene.url}/static/%2e%2e/app.py")

    assert response.status_code == 404


def test_templates_have_no_inline_code_and_trust_no_value() -> None:
    for file in TEMPLATES.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(
            r"\|\s*safe|autoescape|<style|style=|\son\w+=|hx-on|javascript:", text
        ), file.name
        assert not re.search(r"<script(?! src=\"/static/)", text), file.name


def test_own_files_keep_their_size_limits() -> None:
    sizes = {name: (STATIC / name).stat().st_size for name in ("app.css", "app.js")}

    assert sizes["app.css"] < 10_000
    assert sizes["app.js"] < 4_000


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.0.0.9"])
def test_an_address_of_this_machine_is_accepted(host: str) -> None:
    assert checked_host(host) == host.strip("[]")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="--host"):
        checked_host(host)


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert address("::1", 80) == "http://[::1]:80"
    assert Path(STATIC / "icon.svg").is_file()
