from pure_recursion.weeks import skip_weekend


def next_working_day(day: int, holidays: list[int]) -> int:
    if day in holidays:
        return skip_weekend(day + 1, holidays)
    return day
