"""
The row of counters of one place, and the policy by which it is promised.
"""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from ordercore.inventory._checks import count, flag, limit, signed

__all__ = ["NO_STOCK", "Counters", "StockPolicy"]


@frozen(kw_only=True)
class StockPolicy:
    """
    How a place may be promised: what is kept back, and what may be sold before it is there.

    ``backorder_limit`` None: without limit. Not ``tracked``: counted, but never refused. An
    ``allotment`` is no goods but leave to sell (RULES I-11): nothing ever waits here.
    """

    safety_stock: int = field(default=0, validator=count)
    backorder_limit: int | None = field(default=0, validator=limit)
    tracked: bool = field(default=True, validator=flag)
    allotment: bool = field(default=False, validator=flag)


@frozen(kw_only=True)
class Counters:
    """
    One row of counters, in units (RULES I-1).

    ``on_hand`` is everything that lies there, the unavailable included; it is below zero only
    while the books are wrong. ``queued`` are backorders that wait here.
    """

    on_hand: int = field(default=0, validator=signed)
    reserved: int = field(default=0, validator=count)
    queued: int = field(default=0, validator=count)
    unavailable: int = field(default=0, validator=count)
    incoming: int = field(default=0, validator=count)
    safety_stock: int = field(default=0, validator=count)
    backorder_limit: int | None = field(default=0, validator=limit)
    tracked: bool = field(default=True, validator=flag)
    allotment: bool = field(default=False, validator=flag)

    @property
    def free(self) -> int:
        """What could fill the queue; below zero when the safety stock is touched."""
        return self.on_hand - self.reserved - self.unavailable - self.safety_stock

    @property
    def available(self) -> int:
        """What a new buyer can have at once: free, and nobody waits for it."""
        return max(0, self.free - self.queued)

    @property
    def can_queue(self) -> int | None:
        """How many more units the backorder limit allows; None without limit."""
        if self.backorder_limit is None:
            return None
        return max(0, self.backorder_limit - self.queued)

    @property
    def can_supply(self) -> int | None:
        """What can be promised, at once or later; None without limit."""
        more = self.can_queue
        return self.available + more if self.tracked and more is not None else None

    @property
    def shortage(self) -> int:
        """How many reservations have nothing behind them: the truth took it away."""
        if self.allotment or not self.tracked:
            return 0
        return min(self.reserved, max(0, self.reserved + self.unavailable - self.on_hand))

    @property
    def is_restless(self) -> bool:
        """Whether the queue must be looked at: somebody waits beside free stock, or units lack."""
        return self.shortage > 0 or (self.queued > 0 and (self.free > 0 or not self.tracked))


NO_STOCK: Final = Counters()
"""What a place has before its first move."""
