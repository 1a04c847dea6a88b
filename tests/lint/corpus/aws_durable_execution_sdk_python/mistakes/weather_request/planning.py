from weather_request.weather import Weather


class Planner:
    def __init__(self, region: str) -> None:
        self.weather = Weather(region)

    def route(self) -> str:
        return "valley" if self.weather.is_snowing() else "pass"
