"""HF501: a helper in another module counts requests in a dictionary that all runs of the process share."""
