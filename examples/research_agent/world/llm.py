"""A stand-in for a paid language model, in the OpenAI protocol."""

import hashlib
import re
import time
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from research_agent.world.ledger import Entry, Journal

API_KEY = "stand-in"
MODEL = "stand-in-1"
PRICE_PER_INPUT_TOKEN = Decimal("0.0000025")  # EUR
PRICE_PER_OUTPUT_TOKEN = Decimal("0.0000100")
LETTERS_PER_TOKEN = 4
SENTENCE_LENGTH = 240

router = APIRouter()


@router.post("/v1/chat/completions")
async def complete(request: Request, body: dict[str, Any]) -> JSONResponse:
    """Answer from the sources in the prompt; charge once per idempotency key."""
    journal: Journal = request.app.state.journal
    key, operation = request.headers.get("Idempotency-Key"), "chat.completions"
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        journal.record(Entry(service="llm", operation=operation, key=key, status=401))
        return _refuse(401, "Incorrect API key provided.")
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        journal.record(Entry(service="llm", operation=operation, key=key, status=400))
        return _refuse(400, "You must provide a list of messages.")
    known = journal.find("llm", key)
    if known:
        journal.record(Entry(service="llm", operation=operation, key=key))
        return JSONResponse(known.body)
    reply = _reply(body)
    journal.record(
        Entry(
            service="llm", operation=operation, key=key, effect=True,
            cost=price(reply["usage"]), body=reply,
        )
    )  # fmt: skip
    return JSONResponse(reply)


def price(usage: dict[str, int]) -> Decimal:
    """Price a call by its tokens, in EUR."""
    return (
        usage["prompt_tokens"] * PRICE_PER_INPUT_TOKEN
        + usage["completion_tokens"] * PRICE_PER_OUTPUT_TOKEN
    )


def answer(prompt: str) -> str:
    """Compose an answer from the numbered sources of a prompt, the same one every time."""
    blocks = re.findall(
        r"^\[(\d+)\] (.+?)\n(.+?)(?=^\[\d+\] |\Z)", prompt, re.MULTILINE | re.DOTALL
    )
    if not blocks:
        return "The sources do not answer this question."
    pages = [block for block in blocks if "(http" not in block[1]]
    facts = [block for block in blocks if "(http" in block[1]]
    question = re.search(r"^Question: (.+)$", prompt, re.MULTILINE)
    parts = [f"The question was: {question[1]}"] if question else []
    parts += [f"{_first_sentence(text)} [{number}]" for number, _, text in pages]
    if not pages:
        parts.append("The documents we searched do not answer this question.")
    if facts:
        told = " ".join(f"{_first_sentence(text)} [{number}]" for number, _, text in facts)
        parts.append(f"About the customer: {told}")
    return "\n\n".join(parts)


def _first_sentence(text: str) -> str:
    sentence = re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0]
    return sentence if len(sentence) <= SENTENCE_LENGTH else sentence[:SENTENCE_LENGTH] + "…"


def _reply(body: dict[str, Any]) -> dict[str, Any]:
    prompt = "\n".join(str(message.get("content", "")) for message in body["messages"])
    text = answer(prompt)
    asked, said = len(prompt) // LETTERS_PER_TOKEN + 1, len(text) // LETTERS_PER_TOKEN + 1
    return {
        "id": "chatcmpl-" + hashlib.sha256(prompt.encode()).hexdigest()[:24],
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model", MODEL),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        },
    }


def _refuse(status: int, message: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=status)
