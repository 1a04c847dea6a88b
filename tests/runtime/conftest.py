"""Fixtures of the runtime's tests: a real database file, a virtual clock, and versions of a workflow as modules."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from holdfast import Client
from holdfast.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def client(tmp_path: Path, clock: VirtualClock) -> Iterator[Client]:
    made = Client(tmp_path / "holdfast.db", clock=clock)
    yield made
    made.close()


@pytest.fixture
def module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], ModuleType]]:
    """Write a module and import it; the same name again replaces it, as a deployment does."""
    monkeypatch.syspath_prepend(tmp_path)
    names: set[str] = set()

    def load(name: str, source: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        names.add(name)
        return importlib.import_module(name)

    yield load
    for name in names:
        sys.modules.pop(name, None)
