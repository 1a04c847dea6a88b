"""Fine (HF705): the timeouts come from options that all activities share, in another module."""
