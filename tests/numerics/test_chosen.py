"""The choice of the kernels, where the native ones are not built."""

import sys
from types import SimpleNamespace

import pytest
from numerics.conftest import choose

import nllcli.numerics.kernels
from nllcli.errors import UsageError
from nllcli.numerics.kernels import chosen


@pytest.fixture
def built(monkeypatch):
    def replace(module):
        monkeypatch.setitem(sys.modules, "nllcli.numerics.kernels.native", module)
        monkeypatch.setattr(nllcli.numerics.kernels, "native", module, raising=False)
        if module is None:
            monkeypatch.delattr(nllcli.numerics.kernels, "native")

    yield replace
    chosen.native.cache_clear()


def test_without_them_numpy_computes(built, monkeypatch):
    built(None)
    choose(monkeypatch, "")
    assert chosen.kernel_name() == "numpy"
    choose(monkeypatch, "native")
    with pytest.raises(UsageError, match="there is no kernel 'native' here") as caught:
        chosen.native()
    assert caught.value.hint == "one of: numpy"


def test_where_every_product_would_be_a_call_numpy_computes(built, monkeypatch):
    built(SimpleNamespace(best=lambda: None, levels=lambda: ("scalar",), use=print, level=lambda: "scalar"))
    choose(monkeypatch, "")
    assert chosen.kernel_name() == "numpy"
    choose(monkeypatch, "avx2")
    with pytest.raises(UsageError, match="there is no kernel 'avx2' here"):
        chosen.native()
    choose(monkeypatch, "native")
    assert chosen.kernel_name() == "scalar"
