"""nll: softmax probabilities and the negative log-likelihood, exact, streamed and explained.

The public names are loaded on first use, so that ``import nllcli`` costs nothing.
"""

__version__ = "0.1.0"  # the build reads it here without importing anything

TYPE_CHECKING = False  # typing takes longer to load than the rest, and Ctrl-C may come meanwhile
if TYPE_CHECKING:
    from nllcli.api import class_weights, compute, log_softmax, softmax
    from nllcli.commands.compute.result import LossResult
    from nllcli.errors import NllError

__all__ = ["LossResult", "NllError", "__version__", "class_weights", "compute", "log_softmax", "softmax"]

_HOMES = {
    "LossResult": "nllcli.commands.compute.result",
    "NllError": "nllcli.errors",
    "class_weights": "nllcli.api",
    "compute": "nllcli.api",
    "log_softmax": "nllcli.api",
    "softmax": "nllcli.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'nllcli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
