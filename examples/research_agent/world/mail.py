"""The mail server of the outside world, one process: it knows a Message-ID when it sees it."""

import asyncio
import hashlib
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from research_agent.world.child import announce, end_with_parent, listen, read_arguments
from research_agent.world.faults import read_faults
from research_agent.world.ledger import Entry, Journal


class Mailbox:
    """Keeps each mail once, as a file, and answers a repeat as if it had kept it again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = Journal(directory / "mail.jsonl")
        (directory / "mailbox").mkdir(exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd names and calls it)
        """Accept a mail; the reply leaves after the journal is on disk."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content)
        key = str(message["Message-ID"]) if message["Message-ID"] else None
        body = {"to": envelope.rcpt_tos, "subject": str(message["Subject"])}
        status = read_faults(self.directory).get("smtp")
        if status is not None:
            self.journal.record(Entry(service="smtp", operation="data", key=key, status=status))
            return f"{status} The mail server is out of order at the moment."
        if self.journal.find("smtp", key) is None:
            self._keep(content, key)
            entry = Entry(service="smtp", operation="data", key=key, effect=True, body=body)
        else:
            entry = Entry(service="smtp", operation="data", key=key, body=body)
        self.journal.record(entry)
        return "250 OK"

    def _keep(self, content: bytes, key: str | None) -> None:
        name = hashlib.sha256(key.encode() if key else content).hexdigest()[:16]
        (self.directory / "mailbox" / f"{name}.eml").write_bytes(content)


async def serve(directory: Path, port: int) -> None:
    """Serve until the parent ends."""
    mailbox, listener = Mailbox(directory), listen(port)
    listener.settimeout(0)
    end_with_parent()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, hostname="mail.example", enable_SMTPUTF8=True), sock=listener
    )
    announce(listener)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*read_arguments()))
