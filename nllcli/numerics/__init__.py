"""Formulas: arrays in, arrays and tallies out."""
