"""What the environment of the process says."""

from __future__ import annotations

import os

KERNEL_VARIABLE = "NLL_KERNEL"


def wanted_kernel() -> str:
    """The kernel that is asked for: "numpy", "native" or a level of its instructions; empty where nobody asks."""
    return os.environ.get(KERNEL_VARIABLE, "")
