"""nll check. The command is in ``check.py``, as --help reads the table of findings, which does without NumPy."""
