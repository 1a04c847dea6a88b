"""A database in which nothing has happened says what to run next."""

from pathlib import Path

import httpx
import pytest
from tests.dashboard.conftest import serving

from holdfast import Client


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/", "holdfast worker your_app.flows"),
        ("/runs", "holdfast start your_app.flows:workflow"),
        ("/inbox", "No run waits for a person."),
        ("/workers", "No workers yet."),
    ],
)
def test_an_empty_page_says_what_to_run_next(tmp_path: Path, path: str, sentence: str) -> None:
    with serving(Client(tmp_path / "empty.db")) as url:
        assert sentence in httpx.get(url + path).text
