"""HF503: the handler of a step, two modules away, adds to a total that the function later returns."""
