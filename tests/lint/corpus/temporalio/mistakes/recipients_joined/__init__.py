"""HF401 or HF402: a helper in another module joins a set of addresses, and the line goes to an activity."""
