"""Fine (HF305): the sleeps are those of DBOS, and a payment that is late is told from one that failed."""

from dbos import DBOS


@DBOS.step()
def remind(order: str) -> None:
    DBOS.logger.info("reminding about %s", order)


@DBOS.workflow()
def await_payment(order: str) -> str:
    DBOS.set_event("waiting-for", "the customer")
    for _ in range(3):
        status = DBOS.recv("payment", timeout_seconds=86_400)
        if status is None:
            remind(order)
            DBOS.sleep(3600)
            continue
        return "confirmed" if status == "paid" else "refused"
    return "nobody answered"
