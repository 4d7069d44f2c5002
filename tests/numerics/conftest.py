import pytest

from nllcli.data.environment import KERNEL_VARIABLE
from nllcli.numerics.kernels import chosen

try:
    from nllcli.numerics.kernels import native
except ImportError:
    LEVELS = ()
else:
    LEVELS = native.levels()


def choose(monkeypatch, kernel):
    monkeypatch.setenv(KERNEL_VARIABLE, kernel)
    chosen.native.cache_clear()


@pytest.fixture(params=["numpy", *LEVELS[-1:]])
def kernel(request, monkeypatch):
    """Each of the kernels that there are, the native ones at the fastest level, in turn."""
    choose(monkeypatch, request.param)
    yield request.param
    chosen.native.cache_clear()
