"""nll reconcile: which convention gives a number."""
