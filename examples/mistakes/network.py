"""An agent that asks the model and the customer database from workflow code."""

import sqlite3
from urllib.request import urlopen

import httpx
from openai import AsyncOpenAI

from holdfast import activity, workflow

MODEL = AsyncOpenAI()


class Weather:
    """Looks like a plain object, but talks to a server."""

    def __init__(self, city: str) -> None:
        self.city = city
        self.client = httpx.Client(base_url="https://weather.example", timeout=10)

    def report(self) -> str:
        answer = self.client.get("/today", params={"city": self.city})  # mistake: HF204
        return answer.text


@activity.define
async def fetch_news(topic: str) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get("https://news.example", params={"q": topic})
    return answer.text


@workflow.define
async def briefing(customer: str, city: str) -> str:
    news = await fetch_news(city)
    weather = Weather(city).report()
    database = sqlite3.connect("customers.db")  # mistake: HF205
    rows = database.execute("select name from customer")  # mistake: HF205
    row = rows.fetchone()
    logo = urlopen("https://shop.example/logo.svg").read()  # mistake: HF204
    completion = await MODEL.chat.completions.create(  # mistake: HF204
        model="small", messages=[{"role": "user", "content": f"{row} {news} {weather} {len(logo)}"}]
    )
    return completion.choices[0].message.content
