"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.contracts.postgres import running_server

ROOT = Path(__file__).resolve().parent.parent

# The profile is chosen with `--hypothesis-profile`; CI repeats the same examples in every run.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=20_000,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let ``--store`` write anew what is stored: lists, and a table of the docs."""
    parser.addoption("--store", action="store_true", help="write what is stored anew")


def pytest_configure(config: pytest.Config) -> None:
    """Take the profile for CI or for a desk, unless one was asked for."""
    if config.getoption("--hypothesis-profile", default=None) is None:
        settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that differ from run to run: several workers could not share the tests."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"a parameter's id shows an address: {item.nodeid}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data(root: Path) -> Path:
    """The published data that lie beside the source tree; CI fails without them."""
    data = root.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the published data (../shared/data) are not here")
    return data


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the test run; skips without one."""
    with running_server() as url:
        yield url
