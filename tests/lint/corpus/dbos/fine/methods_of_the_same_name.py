"""Fine (HF305): `sleep`, `now` and `print` here are methods of the project's own objects."""

from dbos import DBOS


class Player:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def sleep(self, turns: int) -> None:
        self.lines.append(f"sleeps for {turns} turns")

    def now(self) -> str:
        return self.lines[-1]

    def print(self) -> str:
        return "; ".join(self.lines)


@DBOS.step()
def save(game: str) -> None:
    DBOS.logger.info("saved %s", game)


@DBOS.workflow()
def play(turns: int) -> str:
    player = Player()
    player.sleep(turns)
    save(player.print())
    return player.now()
