"""HF305: `time.sleep` starts over after a crash, and `DBOS.sleep` would not."""

import time

from dbos import DBOS


@DBOS.step()
def is_paid(order: str) -> bool:
    return order.startswith("paid")


@DBOS.workflow()
def await_payment(order: str) -> bool:
    for _ in range(24):
        if is_paid(order):
            return True
        time.sleep(3600)  # mistake: HF305
    return False
