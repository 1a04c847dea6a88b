"""Fine (HF701): calling a step or another workflow is how DBOS runs it durably."""

from dbos import DBOS


@DBOS.step(retries_allowed=True, max_attempts=5)
def charge(order: str) -> str:
    return f"charged {order}"


@DBOS.workflow()
def ship(order: str) -> str:
    return f"shipped {order}"


@DBOS.workflow()
def fulfil(order: str) -> list[str]:
    receipt = charge(order)
    return [receipt, ship(order)]
