"""Everything the workflow has done for it: each activity's result is recorded once."""

from research_agent.activities.answer import synthesise
from research_agent.activities.corpus import search_corpus
from research_agent.activities.crm import write_crm
from research_agent.activities.lookups import fetch_news, fetch_rates, look_up_company
from research_agent.activities.mail import send_mail
from research_agent.activities.pdf import render_pdf

ALL = (
    search_corpus,
    look_up_company,
    fetch_rates,
    fetch_news,
    synthesise,
    render_pdf,
    send_mail,
    write_crm,
)

__all__ = [
    "ALL",
    "fetch_news",
    "fetch_rates",
    "look_up_company",
    "render_pdf",
    "search_corpus",
    "send_mail",
    "synthesise",
    "write_crm",
]
