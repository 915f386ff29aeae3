"""
What stock is: counters per place, moves that change them, and what owners hold.

A **place** is an item at a location and has one row of `Counters`. A `StockMove` is the only way
to change it (RULES I-2), and every move is unique by its `Cause`. Who holds or waits for units at
a place is a `Reservation`; what one order line holds, as the order knows it, an `Allocation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum, unique
from functools import cached_property
from typing import Final

from attrs import Factory, define, field, frozen

from ordercore.errors import InvalidValueError, RefusedError
from ordercore.ids import ItemId, LineId, LocationId, StreamId
from ordercore.inventory._checks import (
    MOST,
    count,
    flag,
    item_id,
    line_id,
    line_or_none,
    location_id,
    owner_or_none,
    units,
    words,
)
from ordercore.inventory._counters import NO_STOCK, Counters, StockPolicy
from ordercore.moment import utc
from ordercore.money import checked_quantity

__all__ = [
    "NO_STOCK",
    "Allocation",
    "Cause",
    "Counters",
    "Hold",
    "HoldStatus",
    "InvalidMoveError",
    "MoveKind",
    "MovesStock",
    "OutOfStockError",
    "QueueEntry",
    "Reservation",
    "Shortage",
    "StockMove",
    "StockPlace",
    "StockPolicy",
    "StockState",
    "WantedLine",
]

SHOWN: Final = 5


@unique
class MoveKind(StrEnum):
    """Every way in which stock changes (RULES I-2); `ordercore.inventory.moves` has the table."""

    EXPECT = "expect"
    RECEIVE = "receive"
    RESERVE = "reserve"
    RELEASE = "release"
    QUEUE = "queue"
    FILL = "fill"
    REQUEUE = "requeue"
    UNQUEUE = "unqueue"
    PICK = "pick"
    SHIP = "ship"
    RETURN_IN = "return_in"
    RESTOCK = "restock"
    DAMAGE = "damage"
    REPAIR = "repair"
    WRITE_OFF = "write_off"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    ADJUST = "adjust"
    COUNT = "count"


OWNED: Final = frozenset(
    {
        MoveKind.RESERVE,
        MoveKind.RELEASE,
        MoveKind.QUEUE,
        MoveKind.FILL,
        MoveKind.REQUEUE,
        MoveKind.UNQUEUE,
        MoveKind.SHIP,
    }
)
"""Moves of what somebody holds: they carry owner and line."""
SIGNED: Final = frozenset({MoveKind.ADJUST, MoveKind.EXPECT})
"""Moves whose quantity may be negative: a correction, and an expectation that is taken back."""


@define
class InvalidMoveError(InvalidValueError):
    """A stock move that says nothing, or not enough."""

    sentence = "A {kind} move cannot be made like this: {problem}."
    kind: str
    problem: str


@frozen(order=True)
class StockPlace:
    """An item at a location: the key of one row of counters."""

    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)


@frozen(order=True)
class Cause:
    """What makes a move unique: the fact (stream and version) and its place in that fact."""

    stream: StreamId
    version: int
    index: int


@frozen(kw_only=True)
class Shortage:
    """One item of which less can be had than is wanted; ``line`` and place where known."""

    item: ItemId
    wanted: int
    supplied: int
    line: LineId | None = None
    location: LocationId | None = None


def _told(error: OutOfStockError) -> str:
    """The first short lines in words."""
    told = [f"{at.item} ({at.wanted} wanted, {at.supplied} left)" for at in error.lines[:SHOWN]]
    more = len(error.lines) - SHOWN
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


@define
class OutOfStockError(RefusedError):
    """More is wanted than can be supplied; ``lines`` says of what, and how short it is."""

    sentence = "Out of stock: {what}."
    lines: tuple[Shortage, ...]
    what: str = field(init=False, default=Factory(_told, takes_self=True))


@frozen(kw_only=True)
class StockMove:
    """
    One change of stock: *quantity* units of an item at a location.

    ``quantity`` is at least 1; of a COUNT it is what was counted (0 or more), of an ADJUST or
    EXPECT it is signed. Moves of what somebody holds name ``owner`` and ``line``. ``partial``
    matters to a QUEUE: may it be filled piece by piece?
    """

    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    kind: MoveKind
    quantity: int
    owner: StreamId | None = field(default=None, converter=owner_or_none)
    line: LineId | None = field(default=None, converter=line_or_none)
    reason: str = field(default="", validator=words)
    partial: bool = field(default=True, validator=flag)

    def __attrs_post_init__(self) -> None:
        if type(self.kind) is not MoveKind:
            raise InvalidMoveError(type(self.kind).__name__, "its kind must be a MoveKind")
        if self.kind in SIGNED:
            checked_quantity(self.quantity, least=-MOST, most=MOST)
            if self.quantity == 0:
                raise InvalidMoveError(self.kind, "it changes nothing")
        else:
            checked_quantity(self.quantity, least=int(self.kind is not MoveKind.COUNT), most=MOST)
        if self.kind in OWNED and (self.owner is None or self.line is None):
            raise InvalidMoveError(self.kind, "it must name its owner and line")

    @property
    def place(self) -> StockPlace:
        """The row of counters that it changes."""
        return StockPlace(self.item, self.location)


class MovesStock(ABC):
    """An event that changes stock: it knows its own moves, and the store applies them with it."""

    __slots__ = ()

    @property
    @abstractmethod
    def moves(self) -> tuple[StockMove, ...]:
        """The moves, always in the same order: their index is part of their cause."""


@frozen(kw_only=True)
class Allocation:
    """What one line holds (``reserved``) and waits for (``queued``) at one place, in units."""

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    reserved: int = field(default=0, validator=count)
    queued: int = field(default=0, validator=count)
    partial: bool = field(default=True, validator=flag)

    @property
    def place(self) -> StockPlace:
        """Where it holds and waits."""
        return StockPlace(self.item, self.location)

    @property
    def quantity(self) -> int:
        """Held and awaited units together."""
        return self.reserved + self.queued


@frozen(kw_only=True)
class Reservation:
    """
    The store's row of what one owner's line holds and waits for at one place.

    ``position`` is given by the store when the row begins and stays: the queue is served in its
    order, and who loses units gets back the old place (RULES I-2, requeue).
    """

    owner: StreamId
    line: LineId
    item: ItemId
    location: LocationId
    reserved: int = field(default=0, validator=count)
    queued: int = field(default=0, validator=count)
    position: int = field(default=0, validator=count)
    partial: bool = True

    @property
    def allocation(self) -> Allocation:
        """The row as its owner sees it."""
        return Allocation(
            line=self.line,
            item=self.item,
            location=self.location,
            reserved=self.reserved,
            queued=self.queued,
            partial=self.partial,
        )


@frozen(kw_only=True)
class QueueEntry:
    """Who waits for how many units at a place; the lowest position is served first."""

    owner: StreamId
    line: LineId
    quantity: int = field(validator=units)
    position: int
    partial: bool = True


@frozen(kw_only=True)
class WantedLine:
    """How many units of an item a line wants; a kit's line wants several items."""

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    quantity: int = field(validator=units)


@unique
class HoldStatus(StrEnum):
    """How it stands with a hold: open, or ended in one of three ways."""

    OPEN = "open"
    RELEASED = "released"
    EXPIRED = "expired"
    TRANSFERRED = "transferred"


@frozen(kw_only=True)
class Hold:
    """
    A cart's hold: units kept until a deadline (RULES I-4).

    ``wanted`` and ``bound_by`` are what the cart asked for and which allotments bind it: an expired
    hold can be taken anew from them.
    """

    owner: StreamId
    allocations: tuple[Allocation, ...] = ()
    allotments: tuple[Allocation, ...] = ()
    until: datetime = field(converter=utc)
    wanted: tuple[WantedLine, ...] = ()
    bound_by: tuple[LocationId, ...] = ()
    status: HoldStatus = HoldStatus.OPEN

    @property
    def is_open(self) -> bool:
        """Whether it still holds anything."""
        return self.status is HoldStatus.OPEN


@frozen(kw_only=True)
class StockState:
    """
    What an order holds and waits for, folded from its own facts.

    ``allotments`` are what it counts for in channels and for buyers (RULES I-11). ``refused``
    names the lines that could have nothing, and ``retry_at`` when to ask again.
    """

    allocations: tuple[Allocation, ...] = ()
    allotments: tuple[Allocation, ...] = ()
    refused: tuple[LineId, ...] = ()
    retry_at: datetime | None = None

    @cached_property
    def by_line(self) -> Mapping[LineId, tuple[Allocation, ...]]:
        """The allocations by line, each sorted as they stand here."""
        found: dict[LineId, tuple[Allocation, ...]] = {}
        for allocation in self.allocations:
            found[allocation.line] = (*found.get(allocation.line, ()), allocation)
        return found

    def of(self, line: LineId) -> tuple[Allocation, ...]:
        """What one line holds and waits for, by place."""
        return self.by_line.get(line, ())

    def reserved(self, line: LineId) -> int:
        """How many units the line holds."""
        return sum(allocation.reserved for allocation in self.of(line))

    def queued(self, line: LineId) -> int:
        """How many units the line waits for."""
        return sum(allocation.queued for allocation in self.of(line))

    @property
    def by_location(self) -> Mapping[LocationId, tuple[Allocation, ...]]:
        """The allocations by location, in ascending order of locations."""
        found: dict[LocationId, list[Allocation]] = {}
        for allocation in self.allocations:
            found.setdefault(allocation.location, []).append(allocation)
        return {location: tuple(found[location]) for location in sorted(found)}

    @property
    def is_waiting(self) -> bool:
        """Whether any unit still waits in a queue."""
        return any(allocation.queued for allocation in self.allocations)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is held and nothing awaited any more."""
        return not self.allocations and not self.refused
