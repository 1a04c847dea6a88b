"""HF902 or HF903: a customer who takes 61 seconds has not paid, because `recv` waits for 60."""

from dbos import DBOS


@DBOS.step()
def reserve(order: str) -> None:
    DBOS.logger.info("reserved %s", order)


@DBOS.step()
def cancel(order: str) -> None:
    DBOS.logger.info("cancelled %s", order)


@DBOS.workflow()
def checkout(order: str) -> str:
    reserve(order)
    status = DBOS.recv("payment-status")  # mistake: HF902 or HF903
    if status == "paid":  # also: HF903
        return "confirmed"
    cancel(order)
    return "cancelled"
