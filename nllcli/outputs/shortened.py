"""The rows of a long table that a person is shown: the first ones, and the worst of the others."""

from dataclasses import replace
from heapq import nlargest
from itertools import islice
from math import inf, isnan
from operator import itemgetter

from nllcli.report import Table

MOST_ROWS, FIRST_ROWS, WORST_ROWS = 200, 100, 20


def is_long(table: Table) -> bool:
    """Tell whether a table has more rows than a person is shown."""
    return len(table.rows) > MOST_ROWS


def shortened(table: Table) -> Table:
    """The first rows, and the worst of the others: a NaN is worse than any number, and nothing is better."""
    first = table.rows[:FIRST_ROWS]
    if table.worst is None:
        return replace(table, rows=first)
    cells = table.cells([column.key for column in table.columns].index(table.worst))
    ranks = (-inf if cell is None else inf if isnan(cell) else cell for cell in islice(cells, FIRST_ROWS, None))
    worst = nlargest(WORST_ROWS, enumerate(ranks, FIRST_ROWS), key=itemgetter(1))
    return replace(table, rows=[*first, *(table.rows[i] for i, _ in worst)])


def label_of_worst(table: Table) -> str:
    """The label of the column by which rows are the worst; empty where none is."""
    return next((column.label for column in table.columns if column.key == table.worst), "")
