_RATES: dict[str, float] = {}


def known(currency: str) -> float | None:
    return _RATES.get(currency)  # also: HF504


def remember(currency: str, rate: float) -> None:
    _RATES[currency] = rate  # mistake: HF501
