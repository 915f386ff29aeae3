"""
Where the hold of a cart stands: one table (RULES I-4).

A hold that has ended may be taken anew under its name; what became an order's stays the order's.
"""

from __future__ import annotations

from typing import Final

from ordercore.inventory import events as ev
from ordercore.inventory.model import HoldStatus
from ordercore.machine import StateMachine

__all__ = ["HOLD"]

_H = HoldStatus

HOLD: Final = StateMachine[HoldStatus, None](
    HoldStatus,
    initial=_H.OPEN,
    terminal=[_H.RELEASED, _H.EXPIRED, _H.TRANSFERRED],
    table={
        _H.OPEN: {
            ev.HoldRenewed: _H.OPEN,
            ev.HoldReleased: _H.RELEASED,
            ev.HoldExpired: _H.EXPIRED,
            ev.HoldTransferred: _H.TRANSFERRED,
        },
        _H.RELEASED: {ev.StockHeld: _H.OPEN},
        _H.EXPIRED: {ev.StockHeld: _H.OPEN},
        _H.TRANSFERRED: {ev.StockHeld: _H.OPEN},
    },
)
"""The way of a cart's hold; a release of some of its lines leaves it open."""
