from dbos import DBOS

from customer_looked_up.durable import tracked
from customer_looked_up.people import salutation


@DBOS.step()
def send(text: str) -> None:
    DBOS.logger.info(text)


@tracked
def welcome(customer: str) -> None:
    send(f"{salutation(customer)}, welcome!")
