"""The report leaves the house: one mail with the PDF attached."""

import hashlib
import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from holdfast import ApplicationError, Retry, activity
from research_agent.model import Draft, PdfFile
from research_agent.settings import Settings, load_settings

CONNECT_TIMEOUT = timedelta(seconds=20)
PERMANENT = 500
SUBJECT_LENGTH = 120


@activity.define(
    timeout=timedelta(minutes=2),
    retry=Retry(initial=timedelta(seconds=2), max_interval=timedelta(minutes=10)),
    effect="idempotent",
)
def send_mail(to: str, draft: Draft, pdf: PdfFile) -> str:
    """Send the report under a Message-ID that every attempt shares; return that id."""
    settings = load_settings()
    message = _compose(to, draft, pdf, settings)
    try:
        _deliver(message, settings)
    except smtplib.SMTPRecipientsRefused as refused:
        code, reply = next(iter(refused.recipients.values()))
        _stop_if_permanent(code, reply)
        raise
    except smtplib.SMTPResponseException as refused:
        _stop_if_permanent(refused.smtp_code, refused.smtp_error)
        raise
    return str(message["Message-ID"])


def message_id_for(key: str, sender: str) -> str:
    """Derive the Message-ID from the idempotency key, so a repeat can be recognised."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def _compose(to: str, draft: Draft, pdf: PdfFile, settings: Settings) -> EmailMessage:
    content = Path(pdf.path).read_bytes()
    if hashlib.sha256(content).hexdigest() != pdf.sha256:
        raise ApplicationError(f"{pdf.path} is not the PDF that was approved.", non_retryable=True)
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = "Report: " + " ".join(draft.question.split())[:SUBJECT_LENGTH]
    message["Date"] = formatdate()
    message["Message-ID"] = message_id_for(activity.idempotency_key(), settings.mail_from)
    message.set_content(f"{draft.answer}\n\nThe attached PDF lists the sources.\n")
    message.add_attachment(content, maintype="application", subtype="pdf", filename="report.pdf")
    return message


def _deliver(message: EmailMessage, settings: Settings) -> None:
    timeout = CONNECT_TIMEOUT.total_seconds()
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=timeout) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.send_message(message)


def _stop_if_permanent(code: int, reply: bytes | str) -> None:
    if code >= PERMANENT:
        text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
        raise ApplicationError(f"The mail server refused with {code}: {text}", non_retryable=True)
