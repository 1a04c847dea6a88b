"""Onboarding that keeps its contract on the disk of one worker."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from holdfast import activity, workflow

TEMPLATES = Path("templates")


@activity.define
async def sign(contract: bytes) -> bytes:
    return contract + Path("signature.txt").read_bytes()


def fill_in(template: Path, name: str) -> str:
    text = template.read_text()  # mistake: HF203
    return text.replace("{name}", name)


@workflow.define
async def onboard(name: str, copy_to: Path | None = None) -> int:
    contract = fill_in(TEMPLATES / "contract.txt", name)
    with open(f"{name}.txt", "w") as file:  # mistake: HF203
        file.write(contract)  # mistake: HF203
    folder = tempfile.mkdtemp()  # mistake: HF203
    subprocess.run(["pandoc", f"{name}.txt", "-o", folder])  # mistake: HF206
    if copy_to is not None and copy_to.exists():  # mistake: HF203
        shutil.copy(f"{folder}/out.pdf", copy_to.with_suffix(".pdf"))  # mistake: HF203
    return len(await sign(contract.encode()))
