"""The workflow: it decides the order of the work and does none of it."""

import asyncio
from datetime import timedelta

from holdfast import workflow
from research_agent.activities import (
    fetch_news,
    fetch_rates,
    look_up_company,
    render_pdf,
    search_corpus,
    send_mail,
    synthesise,
    write_crm,
)
from research_agent.model import Decision, Report, Request


@workflow.define
async def research(request: Request) -> Report:
    """Answer a customer's question, and send the report once a person has approved it."""
    passages, company, rates, news = await asyncio.gather(
        search_corpus(request.question),
        look_up_company(request.customer),
        fetch_rates(request.currency),
        fetch_news(request.customer),
    )
    draft = await synthesise(request.question, passages, [company, rates, *news])
    pdf = await render_pdf(draft)

    decision = await workflow.approval(
        "send-report",
        ask=f"Send {pdf.pages} pages to {request.email}, in answer to: {request.question}",
        to=["support"],
        answer=Decision,
        timeout=timedelta(days=3),
        on_timeout=Decision(approved=False, comment="Nobody answered within three days."),
    )
    if not decision.approved:
        return Report(answer=draft.answer, pdf=pdf, decision=decision)

    message_id = await send_mail(request.email, draft, pdf)
    crm_row = await write_crm(request.customer, f"Sent “{request.question}” as {message_id}")
    return Report(
        answer=draft.answer,
        pdf=pdf,
        decision=decision,
        message_id=message_id,
        crm_row=crm_row,
    )
