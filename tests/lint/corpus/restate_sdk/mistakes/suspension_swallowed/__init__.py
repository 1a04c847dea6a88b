"""HF712: a retry decorator in another module catches everything, and with it the signal that suspends a handler."""
