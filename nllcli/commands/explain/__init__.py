"""nll explain: chosen samples worked step by step."""
