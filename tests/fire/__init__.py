"""What a fleet of real worker processes is put through: `poe fire`, and a shorter form in the tests."""
