"""Faults that can be switched on and off while everything runs: a small file both sides read."""

import json
from pathlib import Path


def read_faults(directory: Path) -> dict[str, int]:
    """Return the status that each broken service answers at present."""
    try:
        faults: dict[str, int] = json.loads((directory / "faults.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return faults


def write_faults(directory: Path, faults: dict[str, int]) -> None:
    """Replace the file of faults in one step."""
    aside = directory / "faults.json.part"
    aside.write_text(json.dumps(faults), "utf-8")
    aside.replace(directory / "faults.json")
