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


@pytest.fixture(scope="session")
def update_golden(request):
    return request.config.getoption("--update-golden")
