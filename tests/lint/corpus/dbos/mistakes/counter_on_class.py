"""HF502: the counter belongs to the class, so all workflows of the process share it."""

from dbos import DBOS


@DBOS.dbos_class()
class Tickets:
    issued = 0

    @staticmethod
    @DBOS.step()
    def store(number: int, text: str) -> None:
        DBOS.logger.info("%s: %s", number, text)

    @staticmethod
    @DBOS.workflow()
    def issue(text: str) -> int:
        Tickets.issued += 1  # mistake: HF502 or HF501
        number = Tickets.issued  # also: HF502 or HF504
        Tickets.store(number, text)
        return number
