"""HF714: a cancelled workflow cannot run the step in its `finally`, so the seat stays taken."""

from dbos import DBOS


@DBOS.step()
def take_seat(seat: str) -> None:
    DBOS.logger.info("took %s", seat)


@DBOS.step()
def release_seat(seat: str) -> None:
    DBOS.logger.info("released %s", seat)


@DBOS.workflow()
def hold(seat: str) -> bool:
    take_seat(seat)
    try:
        paid = DBOS.recv("paid", timeout_seconds=900)
        return paid is not None
    finally:
        release_seat(seat)  # mistake: HF714
