"""Fine (HF204): a plain function is recorded when it is handed to `run_step`."""

import httpx
from dbos import DBOS


def rate(currency: str) -> float:
    return float(httpx.get(f"https://rates.example.org/{currency}").text)


@DBOS.workflow()
def convert(cents: int, currency: str) -> int:
    factor = DBOS.run_step({"name": "rate"}, rate, currency)
    rounded = DBOS.run_step(None, lambda: httpx.get("https://rates.example.org/rounding").text)
    return round(cents * factor) if rounded == "yes" else int(cents * factor)
