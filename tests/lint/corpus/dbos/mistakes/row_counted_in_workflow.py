"""HF205: the workflow asks the database itself, and sees other rows after a crash."""

import sqlalchemy as sa
from dbos import DBOS

engine = sa.create_engine("postgresql://localhost/shop")


@DBOS.step()
def reorder(article: str) -> None:
    DBOS.logger.info("reordering %s", article)


@DBOS.workflow()
def restock(article: str) -> bool:
    with engine.connect() as connection:  # also: HF205
        left = connection.execute(
            sa.text("SELECT count(*) FROM stock")
        ).scalar_one()  # mistake: HF205
    if left > 10:
        return False
    reorder(article)
    return True
