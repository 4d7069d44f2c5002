"""The inner loops: how blocks lie in memory, conversions, exponentials and their sums."""
