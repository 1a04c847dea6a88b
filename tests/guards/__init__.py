"""A mutation test of the guards of the store: `poe guards`."""
