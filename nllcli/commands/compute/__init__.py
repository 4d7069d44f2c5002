"""nll compute: the loss of a file of logits, reduced, per class and per sample."""
