"""nll calibrate: whether probabilities are what they claim, and which temperature makes them so."""
