"""
The hook that every suite shares: how a fresh store is made.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ordercore.ports.repositories import Store

__all__ = ["StoreCase"]


class StoreCase:
    """
    What a host gives to run a suite: a fresh, empty store for each test.

    Define `make_store`, or override the fixture `store` where making one needs other fixtures::

        class TestMyStore(StoreContract):
            def make_store(self) -> Store:
                return MyStore(...)
    """

    def make_store(self) -> Store:
        """A new, empty store; it is closed after the test."""
        pytest.fail("define make_store(), or override the fixture `store`")

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """The store under test."""
        made = self.make_store()
        yield made
        made.close()
