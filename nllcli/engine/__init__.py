"""Blocks, and who works on them: in place, or threads; the only room that knows of either."""
