"""nll check. The command is in ``check.py``: the table of findings, which the shell's help reads, needs no NumPy."""
