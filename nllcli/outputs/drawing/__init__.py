"""Drawings as SVG: where each mark and each word stands, and how it is coloured."""
