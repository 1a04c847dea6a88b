class Ledger:
    def __init__(self) -> None:
        self.total = 0

    async def book(self, cents: int) -> int:
        self.total += cents  # mistake: HF503
        return cents
