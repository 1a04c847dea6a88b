"""HF406: the id of a child is a hash over JSON whose list comes out of a set."""

import hashlib
import json

from dbos import DBOS, SetWorkflowID


@DBOS.workflow()
def build(tags: list[str]) -> str:
    return " ".join(tags)


@DBOS.workflow()
def build_once(tags: list[str]) -> str:
    text = json.dumps({"tags": list(set(tags))})  # mistake: HF406 or HF402
    key = hashlib.sha256(text.encode()).hexdigest()  # also: HF406
    with SetWorkflowID(f"build-{key}"):  # also: HF406 or HF124
        return DBOS.start_workflow(build, sorted(tags)).get_result()
