"""How far the probabilities of a model are from what is the case: its claims, their bins, and the errors of these."""
