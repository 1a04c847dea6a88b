def address_line(*groups: list[str]) -> str:
    everybody = set().union(*groups)
    return ", ".join(everybody)  # mistake: HF401 or HF402
