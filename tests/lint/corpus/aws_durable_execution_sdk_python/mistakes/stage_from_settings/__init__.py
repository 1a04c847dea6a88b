"""HF201: a re-exported helper reads the stage from the environment, which the next deployment changes."""
