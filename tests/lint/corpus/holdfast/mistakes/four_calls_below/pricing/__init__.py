from four_calls_below.pricing.tariffs import Tariff

__all__ = ["Tariff"]
