from dbos import DBOS

from settings_cached.settings import settings


@DBOS.step()
def deliver(order: str, carrier: str) -> str:
    return f"{order} by {carrier}"


@DBOS.workflow()
def ship(order: str) -> str:
    return deliver(order, settings().carrier)
