"""HF114: a library invents a name from its own random numbers, and the account is called otherwise after a crash."""

from dbos import DBOS
from faker import Faker

fake = Faker()


@DBOS.step()
def create_account(name: str) -> None:
    DBOS.logger.info("created %s", name)


@DBOS.workflow()
def demo_account(plan: str) -> str:
    name = f"{fake.first_name()}-{plan}"  # mistake: HF114 or HF111 or HF112
    create_account(name)
    return name
