"""HF504: an endpoint flips a switch of the module, and a workflow that is recovered takes the other branch."""

from dbos import DBOS

maintenance = False


@DBOS.step()
def charge(order: str) -> str:
    return f"charged {order}"


@DBOS.step()
def postpone(order: str) -> str:
    return f"postponed {order}"


def set_maintenance(value: bool) -> None:
    global maintenance
    maintenance = value


@DBOS.workflow()
def pay(order: str) -> str:
    if maintenance:  # mistake: HF504
        return postpone(order)
    return charge(order)
