from customer_looked_up.crm import lookup


def salutation(customer: str) -> str:
    return f"Dear {lookup(customer)['name']}"
