import requests


class Weather:
    def __init__(self, region: str) -> None:
        self.region = region

    def is_snowing(self) -> bool:
        answer = requests.get(
            f"https://weather.example.org/{self.region}", timeout=5
        )  # mistake: HF204
        return answer.json()["snow"] > 0
