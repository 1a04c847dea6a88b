"""Dates as invoices show them."""

from datetime import datetime


def month() -> str:
    return datetime.now().strftime("%Y-%m")  # mistake: HF101


def year() -> str:
    """Nothing calls this, so nothing is wrong with it."""
    return datetime.now().strftime("%Y")
