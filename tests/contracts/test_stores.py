"""The shipped contract suite against the stores of this library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.ports.repositories import Store
from ordercore.testing.contracts.store import StoreContract


class TestStores(StoreContract):
    """Every store keeps the same promises."""

    @pytest.fixture(params=["memory", "sqlite"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
        made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "shop.db")
        yield made
        made.close()
