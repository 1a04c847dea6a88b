"""HF501: a module-level set remembers what this process has seen, which a recovery in another does not know."""

from dbos import DBOS

SEEN: set[str] = set()


@DBOS.step()
def publish(article: str) -> None:
    DBOS.logger.info("published %s", article)


@DBOS.workflow()
def publish_once(article: str) -> bool:
    if article in SEEN:  # also: HF504 or HF501
        return False
    SEEN.add(article)  # mistake: HF501
    publish(article)
    return True
