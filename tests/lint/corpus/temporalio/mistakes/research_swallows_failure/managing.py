from research_swallows_failure.searching import search_once


class ResearchManager:
    async def collect(self, questions: list[str]) -> list[str]:
        found = [await search_once(question) for question in questions]
        return [text for text in found if text]
