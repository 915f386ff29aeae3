"""
What people want of the stock itself: operations that belong to no order.

Each is decided on a stream of its own (a delivery, a stock-take, a cart's hold). Quantities are
units; places and lines are named once per request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final, TypeVar, cast

from attrs import Attribute, define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.facts import Report, Request
from ordercore.ids import ItemId, LineId, LocationId, StreamId
from ordercore.inventory._checks import (
    a,
    count,
    flag,
    item_id,
    location_id,
    signed,
    stream_id,
    tuple_of,
    units,
    words,
)
from ordercore.inventory.model import StockPlace, StockPolicy, WantedLine
from ordercore.moment import utc
from ordercore.money import LimitExceededError

__all__ = [
    "MAX_LINES",
    "AdjustStock",
    "AdjustedLine",
    "CountStock",
    "CountedLine",
    "ExpectStock",
    "HoldStock",
    "InvalidLinesError",
    "MarkDamaged",
    "PolicyLine",
    "ReceiveStock",
    "ReceivedLine",
    "ReleaseHold",
    "RenewHold",
    "RepairStock",
    "ReportHoldExpiry",
    "SetStockPolicy",
    "StockLine",
    "TransferHold",
    "TransferLine",
    "TransferStock",
    "WriteOffStock",
]

MAX_LINES: Final = 20_000
"""How many lines one request may have."""


@define
class InvalidLinesError(InvalidValueError):
    """The lines of a request cannot be understood."""

    sentence = "These lines cannot be used: {problem}."
    problem: str


@frozen(kw_only=True)
class StockLine:
    """Some units of one item at one location; at least one."""

    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    quantity: int = field(validator=units)

    @property
    def place(self) -> StockPlace:
        """Where they are."""
        return StockPlace(self.item, self.location)


@frozen(kw_only=True)
class ReceivedLine(StockLine):
    """Units that arrived; ``expected`` of the announced units are thereby settled."""

    expected: int = field(default=0, validator=count)


@frozen(kw_only=True)
class AdjustedLine:
    """A change of a figure at a place, up or down, never zero."""

    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    quantity: int = field(validator=signed)

    def __attrs_post_init__(self) -> None:
        if self.quantity == 0:
            raise InvalidLinesError("a line changes nothing")

    @property
    def place(self) -> StockPlace:
        """Where it changes."""
        return StockPlace(self.item, self.location)


@frozen(kw_only=True)
class CountedLine:
    """What was counted at a place, zero or more (RULES I-12)."""

    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    counted: int = field(validator=count)

    @property
    def place(self) -> StockPlace:
        """Where it was counted."""
        return StockPlace(self.item, self.location)


@frozen(kw_only=True)
class TransferLine:
    """Units that go from one location to another."""

    item: ItemId = field(converter=item_id)
    origin: LocationId = field(converter=location_id)
    target: LocationId = field(converter=location_id)
    quantity: int = field(validator=units)

    def __attrs_post_init__(self) -> None:
        if self.origin == self.target:
            raise InvalidLinesError("a transfer must leave its location")

    @property
    def place(self) -> tuple[ItemId, LocationId, LocationId]:
        """What goes where."""
        return (self.item, self.origin, self.target)


@frozen(kw_only=True)
class PolicyLine:
    """How one place may be promised from now on."""

    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    policy: StockPolicy = field(validator=a(StockPolicy))

    @property
    def place(self) -> StockPlace:
        """The place that it speaks of."""
        return StockPlace(self.item, self.location)


AnyLine = StockLine | AdjustedLine | CountedLine | TransferLine | PolicyLine
_Line = TypeVar("_Line")


def _place(line: AnyLine) -> Hashable:
    return line.place


def _wish(line: WantedLine) -> Hashable:
    return (line.line, line.item)


def _lines(
    kind: type[_Line], key: Callable[[_Line], Hashable]
) -> Callable[[object, Attribute[tuple[_Line, ...]], tuple[_Line, ...]], None]:
    """An attrs validator: a tuple of this kind, not empty, not too long, each key once."""

    def check(
        _instance: object, _attribute: Attribute[tuple[_Line, ...]], value: tuple[_Line, ...]
    ) -> None:
        if type(cast("object", value)) is not tuple or not value:
            raise InvalidLinesError("they must be a tuple of at least one line")
        if len(value) > MAX_LINES:
            raise LimitExceededError("lines", MAX_LINES, len(value))
        if any(type(line) is not kind for line in value):
            raise InvalidLinesError(f"each must be a {kind.__name__}")
        if len({key(line) for line in value}) < len(value):
            raise InvalidLinesError("one of them is named twice")

    return check


def _said(_instance: object, attribute: Attribute[str], value: str) -> None:
    """An attrs validator: a reason that a person can read later."""
    words(_instance, attribute, value)
    if not value.strip():
        raise InvalidLinesError(f"{attribute.name} must be given")


@frozen(kw_only=True)
class SetStockPolicy(Request):
    """Say what is kept back and what may be sold before it is there."""

    lines: tuple[PolicyLine, ...] = field(validator=_lines(PolicyLine, _place))


@frozen(kw_only=True)
class ExpectStock(Request):
    """Announce units that will arrive, or take an announcement back (negative)."""

    lines: tuple[AdjustedLine, ...] = field(validator=_lines(AdjustedLine, _place))
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class ReceiveStock(Request):
    """Put arrived units on hand; waiting orders get them in the same commit."""

    lines: tuple[ReceivedLine, ...] = field(validator=_lines(ReceivedLine, _place))
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class CountStock(Request):
    """Set what is on hand to what was counted (RULES I-12)."""

    lines: tuple[CountedLine, ...] = field(validator=_lines(CountedLine, _place))
    reason: str = field(validator=_said)


@frozen(kw_only=True)
class AdjustStock(Request):
    """Correct what is on hand by a difference."""

    lines: tuple[AdjustedLine, ...] = field(validator=_lines(AdjustedLine, _place))
    reason: str = field(validator=_said)


@frozen(kw_only=True)
class MarkDamaged(Request):
    """Set units aside that cannot be sold: damaged, or held for a check."""

    lines: tuple[StockLine, ...] = field(validator=_lines(StockLine, _place))
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class RepairStock(Request):
    """Make units sellable again that were set aside."""

    lines: tuple[StockLine, ...] = field(validator=_lines(StockLine, _place))
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class WriteOffStock(Request):
    """Give units up: those set aside, or (``sound``) such as were still for sale."""

    lines: tuple[StockLine, ...] = field(validator=_lines(StockLine, _place))
    sound: bool = field(default=False, validator=flag)
    reason: str = field(validator=_said)


@frozen(kw_only=True)
class TransferStock(Request):
    """Carry free units from one location to another."""

    lines: tuple[TransferLine, ...] = field(validator=_lines(TransferLine, _place))
    reason: str = field(default="", validator=words)


@frozen(kw_only=True)
class HoldStock(Request):
    """
    Keep units for a cart until a deadline (RULES I-4); ``hold`` is the stream of the hold.

    ``bound_by``: allotments that bind it too, such as its buyer's (RULES I-11).
    """

    hold: StreamId = field(converter=stream_id)
    lines: tuple[WantedLine, ...] = field(validator=_lines(WantedLine, _wish))
    until: datetime = field(converter=utc)
    bound_by: tuple[LocationId, ...] = field(default=(), validator=tuple_of(str))


@frozen(kw_only=True)
class RenewHold(Request):
    """Move the deadline of a hold; one that has ended is taken anew, or refused."""

    until: datetime = field(converter=utc)


@frozen(kw_only=True)
class ReleaseHold(Request):
    """Give a hold back, or only some of its lines; twice changes nothing."""

    lines: tuple[LineId, ...] = field(default=(), validator=tuple_of(str))


@frozen(kw_only=True)
class TransferHold(Request):
    """Make the hold an order's, in the commit that reserves for the order: `Place.hold`."""

    to: StreamId = field(converter=stream_id)


@frozen(kw_only=True)
class ReportHoldExpiry(Report):
    """The deadline of a hold has passed."""
