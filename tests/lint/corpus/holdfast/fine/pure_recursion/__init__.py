"""Fine (HF101): functions of two modules call one another, and compute from their arguments alone."""
