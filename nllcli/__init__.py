"""nll: softmax probabilities and the negative log-likelihood, exact, streamed and explained.

The public names are loaded on first use, so that ``import nllcli`` costs nothing.
"""

from nllcli.version import __version__

TYPE_CHECKING = False  # typing takes longer to load than the rest, and Ctrl-C may come meanwhile
if TYPE_CHECKING:
    from nllcli.api import compute
    from nllcli.commands.compute.result import LossResult
    from nllcli.errors import NllError
    from nllcli.numerics.softmax import log_softmax, softmax
    from nllcli.numerics.weightings import class_weights

__all__ = ["LossResult", "NllError", "__version__", "class_weights", "compute", "log_softmax", "softmax"]

_HOMES = {
    "LossResult": "nllcli.commands.compute.result",
    "NllError": "nllcli.errors",
    "class_weights": "nllcli.numerics.weightings",
    "compute": "nllcli.api",
    "log_softmax": "nllcli.numerics.softmax",
    "softmax": "nllcli.numerics.softmax",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'nllcli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
