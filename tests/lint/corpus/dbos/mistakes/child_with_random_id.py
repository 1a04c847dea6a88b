"""HF121 or HF124: a crash between drawing the id and recording the child makes a second child."""

import uuid

from dbos import DBOS, SetWorkflowID


@DBOS.workflow()
def send_parcel(parcel: str) -> str:
    return f"sent {parcel}"


@DBOS.workflow()
def send_order(parcels: list[str]) -> list[str]:
    handles = []
    for parcel in parcels:
        with SetWorkflowID(f"{parcel}-{uuid.uuid4()}"):  # mistake: HF121 or HF124
            handles.append(DBOS.start_workflow(send_parcel, parcel))
    return [handle.get_result() for handle in handles]
