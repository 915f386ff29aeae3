"""
A shop whose engine shows every order that it has written, over any store and with any tail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import define, evolve, frozen

from ordercore.adapters.memory import MemoryStore
from ordercore.ports.gateways import CarrierGateway, IdSource, PaymentGateway
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import ChangeSet
from ordercore.service.engine import Engine, Settings
from ordercore.service.sync import OrderService
from ordercore.service.turn import Turn
from tests.laws.order_world import Clock, Ids, Shop

__all__ = ["WatchedShop", "in_memory"]

Look: TypeAlias = Callable[[ChangeSet, Turn], None]


def in_memory(clock: Clock) -> Store:
    """The store of most laws."""
    return MemoryStore(clock=clock)


@frozen(kw_only=True)
class WatchedEngine(Engine):
    """Shows what it has written, and the order with which it goes on."""

    look: Look

    async def _write(self, turn: Turn, changes: ChangeSet) -> Turn:
        after = await super()._write(turn, changes)
        self.look(changes, after)
        return after


class WatchedService(OrderService):
    """The service over such an engine."""

    def __init__(
        self,
        look: Look,
        *,
        store: Store,
        payments: PaymentGateway,
        carrier: CarrierGateway | None,
        ids: IdSource,
        tail: int,
    ) -> None:
        settings = Settings(tail=tail)
        super().__init__(
            store=store, payments=payments, carrier=carrier, ids=ids, settings=settings
        )
        self._engine = WatchedEngine(settings=self._engine.settings, look=look)
        self._worker = evolve(self._worker, engine=self._engine)


@define
class WatchedShop(Shop):
    """A shop over a store of any kind; ``tail`` is how many facts may stand after a snapshot."""

    make: Callable[[Clock], Store] = in_memory
    tail: int = 64
    carrier: CarrierGateway | None = None

    def __attrs_post_init__(self) -> None:
        """Open the shop."""
        self.store = self.make(self.clock)
        self.service = self.another()

    def another(self, prefix: str = "id") -> OrderService:
        """One more service over the same store and till."""
        return WatchedService(
            self.shown,
            store=self.store,
            payments=self.till,
            carrier=self.carrier,
            ids=Ids(prefix),
            tail=self.tail,
        )

    def shown(self, changes: ChangeSet, turn: Turn) -> None:
        """What a law has to say about a commit, and about the order that goes on from it."""
