_used: dict[str, int] = {}


def take(customer: str) -> bool:
    _used[customer] = _used.get(customer, 0) + 1  # mistake: HF501
    return _used[customer] <= 100  # also: HF501 or HF504
