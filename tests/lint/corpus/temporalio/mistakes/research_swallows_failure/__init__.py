"""HF713: a manager two modules away turns every failure of a search into nothing, cancellation included."""
