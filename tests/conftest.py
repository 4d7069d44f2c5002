import pytest
from hypothesis import settings

# A busy machine is no defect of the program.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="Rewrite what commands are expected to print.")


@pytest.fixture(scope="session")
def update_golden(request):
    return request.config.getoption("--update-golden")
