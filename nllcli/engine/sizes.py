"""How large blocks are."""

# Elements of one block, and samples where the classes are few: NumPy's calls on it last long enough that threads
# seldom meet at the interpreter's lock, and it is short enough for the caches.
BLOCK_ELEMENTS = 1 << 21
_MOST_SAMPLES = 1 << 17


def block_samples(n_classes: int) -> int:
    """Samples of one block; it rests on the number of classes alone, not on layout or threads."""
    return min(_MOST_SAMPLES, max(1, BLOCK_ELEMENTS // max(1, n_classes)))
