import datetime as dt


def first_of_month() -> dt.date:
    today = dt.date.today()  # mistake: HF101
    return today.replace(day=1)
