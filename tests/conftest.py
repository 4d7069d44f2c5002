import collections
import functools
import gc
import importlib
import itertools
import os
import pkgutil
import re
import signal
import sys
import threading

import pytest
from hypothesis import settings

import nllcli

# A busy machine is no defect of the program; and every run draws other examples, so that they add up over runs.
settings.register_profile("unhurried", deadline=None, max_examples=25)
settings.load_profile("unhurried")

# In the background of a shell, or under nohup, the tests and what they start would ignore a signal that some send.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# Told to write no bytecode, each of the hundreds of programs that tests start would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="Rewrite what commands are expected to print.")


def pytest_configure(config):
    if config.getoption("--update-golden") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--update-golden rewrites README.md block by block: leave -n out")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Fifteen thousand tests stay to the end: looking for garbage among them would take seconds, again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def command_built_once():
    """Typer builds the commands anew in every run, which would take most of the time of a short one."""
    import typer.main

    from nllcli.cli import app

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(app, "app", functools.cache(app.app))
        monkeypatch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


_NUMBERS = itertools.count()


@pytest.fixture
def tmp_path(request, tmp_path_factory):
    """As pytest's own, which lists the folders of all tests before to find a number for each new one."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / f"{name}-{next(_NUMBERS)}"
    folder.mkdir(mode=0o700)
    return folder


# --- coverage: its tracer doubles the time of what runs under it, so it is on only where that counts ------------------


class Tracer:
    """pytest-cov's, put aside; its own way to pause leaves a second one on in a process of xdist."""

    found = None, None

    @classmethod
    def put_aside(cls):
        cls.found = sys.gettrace(), threading.gettrace()
        cls.use(None, None)

    @staticmethod
    def use(of_this_thread, of_others):
        sys.settrace(of_this_thread)
        threading.settrace(of_others)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):
    """Load the package under the tracer, for the lines outside functions; tests are collected without."""
    if session.config.pluginmanager.hasplugin("_cov"):
        if not session.config.getoption("numprocesses", None):  # which only the process that runs no tests has
            for module in pkgutil.walk_packages(nllcli.__path__, "nllcli."):
                importlib.import_module(module.name)
        Tracer.put_aside()


# Of the cases of one test so many are counted, spread over all of them by the golden ratio.
MOST_COUNTED = 40
GOLDEN = (5**0.5 - 1) / 2


def pytest_collection_modifyitems(items):
    """The many cases of a test of numerics reach the same lines: the tracer is on for some of them."""
    cases = collections.defaultdict(list)
    for item in items:
        if "numerics" in item.path.parts:
            cases[item.nodeid.partition("[")[0]].append(item)
    for of_one in cases.values():
        for i, item in enumerate(of_one):
            if i * GOLDEN % 1.0 > MOST_COUNTED / len(of_one):
                item.add_marker("uncounted")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Random examples reach other lines in every run: what coverage counts is what the other tests reach."""
    if pyfuncitem.get_closest_marker("uncounted") or pyfuncitem.get_closest_marker("hypothesis"):
        return (yield)
    Tracer.use(*Tracer.found)
    try:
        return (yield)
    finally:
        Tracer.use(None, None)


@pytest.fixture(scope="session")
def update_golden(request):
    return request.config.getoption("--update-golden")
