"""
Carts that become orders: what a hold gives up, in the commit that reserves for the order.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from ordercore.errors import NotFoundError
from ordercore.facts import Event
from ordercore.ids import StreamId
from ordercore.inventory.commands import RenewHold, TransferHold
from ordercore.inventory.decide import (
    StockBasis,
    UnknownHoldError,
    decide_stock,
    evolve_hold,
)
from ordercore.inventory.events import HoldTransferred
from ordercore.inventory.model import Hold
from ordercore.inventory.status import may
from ordercore.ports.unit_of_work import StreamChange, StreamKind
from ordercore.service.effects import Load, ReadAllocations

__all__ = ["Cart", "handed_over", "is_of_cart", "read_hold"]


@frozen(kw_only=True)
class Cart:
    """A hold in hand that becomes an order's: the fact that the next commit writes."""

    stream: StreamId
    version: int
    wakes: int
    fact: HoldTransferred

    @property
    def change(self) -> StreamChange:
        """What a commit writes of it; nobody has to look at it again."""
        return StreamChange(
            stream=self.stream,
            kind=StreamKind.INVENTORY,
            expected_version=self.version,
            events=(self.fact,),
            counts=True,
            due_at=None,
            seen_wakes=self.wakes,
        )


async def handed_over(stream: StreamId, to: StreamId, now: datetime) -> Cart | None:
    """
    The hold as an order takes it over; None: it is over, and the order takes its units anew.

    Raises:
        UnknownHoldError: There is no such hold, or the order itself has its name.
        HoldClosedError: Another order has it.

    Source:
        RULES I-4.
    """
    if stream == to:
        raise UnknownHoldError
    held = await ReadAllocations(stream)  # first: who empties it, closes what is read next
    hold, version, wakes = await read_hold(stream)
    if hold is None:
        raise UnknownHoldError
    if may(hold, RenewHold):
        return None
    (fact,) = decide_stock(hold, TransferHold(to=to), now, basis=StockBasis(held=held))
    if not isinstance(fact, HoldTransferred):
        raise UnknownHoldError
    return Cart(stream=stream, version=version, wakes=wakes, fact=fact)


async def read_hold(stream: StreamId) -> tuple[Hold | None, int, int]:
    """A hold by its facts, its version, and how often it was woken; None: there is none."""
    try:
        stored = await Load(stream)
    except NotFoundError:
        return None, 0, 0
    hold: Hold | None = None
    for event in stored.tail:
        hold = evolve_hold(hold, event)
    return hold, stored.version, stored.wakes


def is_of_cart(facts: tuple[Event, ...]) -> bool:
    """Whether these facts of a commit are what a cart has given up in it."""
    return bool(facts) and isinstance(facts[0], HoldTransferred)
