"""HF505 or HF201: cached settings are those of the process's first call, and read the environment for it."""
