from datetime import date


def skip_weekend(day: int, holidays: list[int]) -> int:
    from pure_recursion.days import next_working_day

    weekday = date.fromordinal(day).weekday()
    return next_working_day(day + max(0, 7 - weekday) if weekday > 4 else day, holidays)
