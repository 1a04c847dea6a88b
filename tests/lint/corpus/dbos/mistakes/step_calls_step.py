"""HF703: a step that calls steps makes one step of them all; the inner ones are not recorded."""

from dbos import DBOS


@DBOS.step()
def charge(order: str) -> str:
    return f"charged {order}"


@DBOS.step()
def ship(order: str) -> str:
    return f"shipped {order}"


@DBOS.step()
def fulfil(order: str) -> list[str]:
    charged = charge(order)  # mistake: HF703
    return [charged, ship(order)]  # also: HF703


@DBOS.workflow()
def process(order: str) -> list[str]:
    return fulfil(order)
