"""Fine (HF205): what is decorated by an instance, made by a factory, runs as a recorded transaction."""

import os

import sqlalchemy as sa
from dbos import DBOS, SQLAlchemyDatasource

ds = SQLAlchemyDatasource.create(os.environ.get("DATABASE_URL", "sqlite:///shop.db"))
orders = sa.table("orders", sa.column("id"), sa.column("state"))


@ds.transaction()
def mark_paid(order: int) -> None:
    statement = sa.update(orders).where(orders.c.id == order).values(state="paid")
    ds.session().execute(statement)


@DBOS.workflow()
def pay(order: int) -> str:
    mark_paid(order)
    return "paid"
