"""The dashboard: what every run waits for, and the place where people decide."""
