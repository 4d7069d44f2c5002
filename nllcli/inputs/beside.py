"""What samples have beside their logits and targets: weights and groups, opened first and then put into their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.data.dataset import BlockSource, GroupSource, VectorSource
    from nllcli.data.layout import Layout
    from nllcli.data.settings import InputOptions
    from nllcli.errors import Notice
    from nllcli.inputs.groups.opening import Labelled
    from nllcli.inputs.matching import Keys
    from nllcli.inputs.sample_weights import Weights
    from nllcli.inputs.tables.columns import Preview


class Opened(NamedTuple):
    """Open files of weights and of groups, and which columns have their keys, where their rows have some."""

    weights: Weights | None = None
    labelled: Labelled | None = None
    keys_of_weights: Keys | None = None
    keys_of_groups: Keys | None = None

    @property
    def keys(self) -> Keys | None:
        """Those that the logits are read with, unless the targets have some."""
        return self.keys_of_weights or self.keys_of_groups


class Beside(NamedTuple):
    """Weights and groups in the order of the logits, and what is worth knowing about them."""

    weights: VectorSource | None = None
    groups: GroupSource | None = None
    notes: tuple[Notice, ...] = ()


def open_beside(options: InputOptions, look: Callable[[], Preview | None], keys: Keys | None) -> Opened:
    """Open the files that the options name; ``look`` gives the beginning of the logits' table, for its keys.

    ``keys`` are those of the targets.
    """
    opened = Opened()
    if options.sample_weights is not None:
        from nllcli.inputs import matching, sample_weights

        weights = sample_weights.peek(options.sample_weights)
        table = None if weights.preview is None else look()
        found = matching.keys_beside("sample_weights", options.id, table, weights.preview, keys, options.drop)
        opened = opened._replace(weights=weights, keys_of_weights=found)
    if options.groups is not None:
        from nllcli.inputs import matching
        from nllcli.inputs.groups.opening import peek

        labelled = peek(options.groups)
        if labelled is not None:
            table = None if labelled.table is None else look()
            known = keys or opened.keys
            found = matching.keys_beside("groups", options.id, table, labelled.table, known, options.drop)
            opened = opened._replace(labelled=labelled, keys_of_groups=found)
    return opened


def by_keys(
    opened: Opened, logits: BlockSource, again: Callable[[], BlockSource], missing: str, *, can_be_asked: bool
) -> tuple[BlockSource, Beside]:
    """Those of which rows belong to rows of the logits by their keys; the logits check it where they are in one order.

    The logits are read ``again`` for it; ``can_be_asked`` says that the setting for keys is a way out.
    """
    beside = Beside()
    if opened.weights is not None and opened.keys_of_weights is not None:
        from nllcli.inputs import sample_weights

        keyed = (opened.weights, opened.keys_of_weights, logits, again, missing)
        logits, weights, notes = sample_weights.by_keys(*keyed, can_be_asked=can_be_asked)
        beside = Beside(weights, notes=notes)
    if opened.labelled is not None and opened.keys_of_groups is not None:
        from nllcli.inputs.groups import opening

        bound = opening.by_keys(
            *(opened.labelled, opened.keys_of_groups, logits, again, missing), can_be_asked=can_be_asked
        )
        logits = bound.logits
        beside = beside._replace(groups=bound.groups, notes=(*beside.notes, *bound.notes))
    return logits, beside


def in_order(opened: Opened, beside: Beside, layout: Layout, logits: BlockSource, groups: str | None) -> Beside:
    """Those without keys too, of which ``groups`` is the word; raises DataError where they do not fit the logits."""
    if opened.weights is not None and beside.weights is None:
        from nllcli.inputs import sample_weights

        beside = beside._replace(weights=sample_weights.in_order(opened.weights, layout, logits))
    if groups is not None and beside.groups is None:
        from nllcli.inputs.groups import opening

        found, notes = opening.in_order(groups, opened.labelled, layout, logits)
        beside = beside._replace(groups=found, notes=(*notes, *beside.notes))
    return beside
