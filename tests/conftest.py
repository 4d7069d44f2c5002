import sys
import threading

import pytest
from hypothesis import settings

# A busy machine is no defect of the program.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="Rewrite what commands are expected to print.")


def pytest_configure(config):
    if config.getoption("--update-golden") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--update-golden rewrites README.md block by block: leave -n out")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Random examples reach other lines in every run: what coverage counts is what the other tests reach."""
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    """Trace nothing where pytest-cov pauses: in a process of xdist it leaves a second tracer on."""
    if not item.get_closest_marker("no_cover"):
        return (yield)
    tracers = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracers[0])
        threading.settrace(tracers[1])


@pytest.fixture(scope="session")
def update_golden(request):
    return request.config.getoption("--update-golden")
