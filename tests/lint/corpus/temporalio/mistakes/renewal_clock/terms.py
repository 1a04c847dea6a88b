from renewal_clock.calendars import first_of_month


def next_period(months: int) -> str:
    """Return the first day after a number of months."""
    start = first_of_month()
    month = start.month - 1 + months
    return start.replace(year=start.year + month // 12, month=month % 12 + 1).isoformat()
