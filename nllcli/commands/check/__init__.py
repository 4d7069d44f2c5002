"""nll check: what is wrong or suspicious about logits and targets."""
