"""HF103: the `Date` header of a mail is made from the clock of the worker."""

from dataclasses import dataclass
from datetime import timedelta
from email.utils import formatdate

from temporalio import activity, workflow


@dataclass
class Mail:
    to: str
    subject: str
    date: str


@activity.defn
async def send(mail: Mail) -> None:
    activity.logger.info("to %s: %s", mail.to, mail.subject)


@workflow.defn
class Welcome:
    @workflow.run
    async def run(self, address: str) -> None:
        mail = Mail(to=address, subject="Welcome", date=formatdate())  # mistake: HF103
        await workflow.execute_activity(send, mail, start_to_close_timeout=timedelta(minutes=1))
