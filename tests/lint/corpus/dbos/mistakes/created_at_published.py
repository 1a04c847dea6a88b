"""HF101: the state that is published carries the time of the last recovery as its time of creation."""

from dataclasses import asdict, dataclass
from datetime import datetime

from dbos import DBOS


@dataclass
class AgentStatus:
    created_at: str
    question: str
    status: str = "working"


@DBOS.step()
def research(question: str) -> str:
    return f"about {question}"


@DBOS.workflow()
def agent(question: str) -> str:
    status = AgentStatus(created_at=datetime.now().isoformat(), question=question)  # mistake: HF101
    DBOS.set_event("status", asdict(status))
    answer = research(question)
    status.status = "done"
    DBOS.set_event("status", asdict(status))
    return answer
