"""
The table: what each kind of move does to the counters, and which promise it must keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from attrs import frozen

from ordercore.inventory.model import OWNED, MoveKind

__all__ = ["EFFECTS", "OWNED_KINDS", "Bound", "Effect"]


@unique
class Bound(Enum):
    """What a move promises, and so which bound it must keep."""

    NONE = "none"
    """A truth or a gift: it always applies."""
    PROMISE = "promise"
    """It takes units for somebody: they must be free, and nobody may wait for them."""
    QUEUE = "queue"
    """It promises units that are not there: within the backorder limit, and nothing is free."""


@frozen(kw_only=True)
class Effect:
    """How often each counter takes the quantity of a move: -1, 0 or 1."""

    on_hand: int = 0
    reserved: int = 0
    queued: int = 0
    unavailable: int = 0
    incoming: int = 0
    bound: Bound = Bound.NONE


EFFECTS: Final[Mapping[MoveKind, Effect]] = MappingProxyType(
    {
        MoveKind.EXPECT: Effect(incoming=1),
        MoveKind.RECEIVE: Effect(on_hand=1),
        MoveKind.RESERVE: Effect(reserved=1, bound=Bound.PROMISE),
        MoveKind.RELEASE: Effect(reserved=-1),
        MoveKind.QUEUE: Effect(queued=1, bound=Bound.QUEUE),
        MoveKind.FILL: Effect(queued=-1, reserved=1),
        MoveKind.REQUEUE: Effect(queued=1, reserved=-1),
        MoveKind.UNQUEUE: Effect(queued=-1),
        MoveKind.PICK: Effect(),
        MoveKind.SHIP: Effect(on_hand=-1, reserved=-1),
        MoveKind.RETURN_IN: Effect(on_hand=1, unavailable=1),
        MoveKind.RESTOCK: Effect(unavailable=-1),
        MoveKind.DAMAGE: Effect(unavailable=1),
        MoveKind.REPAIR: Effect(unavailable=-1),
        MoveKind.WRITE_OFF: Effect(on_hand=-1, unavailable=-1),
        MoveKind.TRANSFER_OUT: Effect(on_hand=-1, bound=Bound.PROMISE),
        MoveKind.TRANSFER_IN: Effect(on_hand=1),
        MoveKind.ADJUST: Effect(on_hand=1),
        MoveKind.COUNT: Effect(),
    }
)
"""What each kind of move does (RULES I-2). A COUNT sets ``on_hand`` instead of adding to it."""

OWNED_KINDS: Final = OWNED
"""Moves that also change the reservation row of their owner, line and place."""
