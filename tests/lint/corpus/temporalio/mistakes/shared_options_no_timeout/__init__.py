"""HF705: the options that all activities share, in another module, hold a heartbeat and no timeout."""
