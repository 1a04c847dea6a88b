from four_calls_below.pricing.periods import is_peak


class Tariff:
    def __init__(self, name: str) -> None:
        self.name = name

    def price(self, minutes: int) -> int:
        return minutes * self._rate()

    def _rate(self) -> int:
        return 12 if is_peak() else 5
