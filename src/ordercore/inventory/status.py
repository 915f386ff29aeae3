"""
Where the hold of a cart stands: one table (RULES I-4).

A hold that has ended may be taken anew under its name; what became an order's stays the order's,
and is not renewed.
"""

from __future__ import annotations

from typing import Final

from ordercore.inventory import events as ev
from ordercore.inventory.commands import RenewHold
from ordercore.inventory.model import Hold, HoldStatus
from ordercore.machine import StateMachine, Trigger

__all__ = ["HOLD", "may"]

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
        _H.RELEASED: {ev.StockHeld: _H.OPEN, RenewHold: _H.OPEN},
        _H.EXPIRED: {ev.StockHeld: _H.OPEN, RenewHold: _H.OPEN},
        _H.TRANSFERRED: {ev.StockHeld: _H.OPEN},
    },
)
"""
The way of a cart's hold; a release of some of its lines leaves it open.

To renew one that has ended is to take the same units anew: no fact of its own.
"""


def may(hold: Hold, trigger: Trigger) -> bool:
    """Whether the table has a way for this fact or request from where the hold stands."""
    return HOLD.refusal(hold.status, trigger, None) is None
