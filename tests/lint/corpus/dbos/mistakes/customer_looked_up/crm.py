import httpx


def lookup(customer: str) -> dict[str, str]:
    return httpx.get(f"https://crm.example.org/{customer}").json()  # mistake: HF204
