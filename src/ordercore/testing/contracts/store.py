"""
The whole suite for a store: all parts together.
"""

from __future__ import annotations

from ordercore.testing.contracts.orders import OrderRepositoryContract
from ordercore.testing.contracts.outbox import OutboxContract
from ordercore.testing.contracts.people import PartyRepositoryContract
from ordercore.testing.contracts.stock import InventoryRepositoryContract
from ordercore.testing.contracts.unit_of_work import UnitOfWorkContract

__all__ = ["StoreContract"]


class StoreContract(
    UnitOfWorkContract,
    OrderRepositoryContract,
    InventoryRepositoryContract,
    PartyRepositoryContract,
    OutboxContract,
):
    """
    Everything that `ordercore.ports.repositories.Store` promises.

    A host with its own tables runs it against its own store::

        class TestMyStore(StoreContract):
            def make_store(self) -> Store:
                return MyStore(...)
    """
