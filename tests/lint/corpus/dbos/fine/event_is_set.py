"""Fine (HF401): `set` is a method of an event here, and the sets are only compared."""

from threading import Event

from dbos import DBOS

stopping = Event()


@DBOS.step()
def missing(have: list[str], want: list[str]) -> list[str]:
    return sorted(set(want) - set(have))


@DBOS.workflow()
def complete(have: list[str], want: list[str]) -> list[str]:
    if set(want) <= set(have):
        return []
    return missing(have, want)


def shut_down() -> None:
    stopping.set()
