"""Which targets are classes."""

import numpy as np
import pytest

from nllcli.numerics.targets import is_class

ENDS = np.iinfo(np.int64)


@pytest.mark.parametrize("n_classes", [0, 1, 3, 1 << 62])
def test_is_class(n_classes):
    targets = np.array([0, 1, 2, 3, -1, -100, ENDS.max, ENDS.min, (1 << 62) - 1, 1 << 62])
    assert is_class(targets, n_classes).tolist() == [0 <= y < n_classes for y in targets.tolist()]
    assert is_class(targets[::-2], n_classes).tolist() == [0 <= y < n_classes for y in targets[::-2].tolist()]
