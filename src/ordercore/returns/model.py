"""
Goods on their way back: return authorisations and the slots they name.

Goods and money are two axes (RULES R-1): here is what comes back and in which state; what is owed
for it is the business of `ordercore.refund`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum, unique
from fractions import Fraction
from typing import Final

from attrs import field, frozen

from ordercore.ids import ItemId, LineId, LocationId, ReturnId
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns._fields import (
    InvalidReturnError,
    count,
    fraction,
    instant,
    item_id,
    line_id,
    location_id,
    return_id,
    serials,
    units,
)

__all__ = [
    "Disposition",
    "FreightPayer",
    "Grade",
    "InspectedItem",
    "Inspection",
    "InvalidReturnError",
    "ReceivedItem",
    "ReturnItem",
    "ReturnPurpose",
    "ReturnReason",
    "ReturnTotals",
    "ReturnUnits",
    "ReturnsState",
    "Rma",
    "RmaStatus",
    "StoredUnits",
    "UnmatchedItem",
]


@unique
class RmaStatus(StrEnum):
    """Where a return stands (RULES R-1); any step may be skipped."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    LABELLED = "labelled"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    INSPECTED = "inspected"
    CLOSED = "closed"


@unique
class ReturnPurpose(StrEnum):
    """What the customer wants for the goods (RULES R-5)."""

    RETURN = "return"
    EXCHANGE = "exchange"
    CLAIM = "claim"


@unique
class ReturnReason(StrEnum):
    """Why goods come back; the policy says who pays the freight for it."""

    CHANGED_MIND = "changed_mind"
    WRONG_SIZE = "wrong_size"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    DEFECTIVE = "defective"
    DAMAGED_IN_TRANSIT = "damaged_in_transit"
    MISSING = "missing"
    ARRIVED_LATE = "arrived_late"
    REFUSED = "refused"
    UNDELIVERABLE = "undeliverable"
    WARRANTY = "warranty"
    OTHER = "other"


@unique
class FreightPayer(StrEnum):
    """Who pays for the way back."""

    CUSTOMER = "customer"
    SHOP = "shop"


@unique
class Grade(StrEnum):
    """In which state a unit came back (RULES R-4)."""

    A_NEW = "a_new"
    B_OPENED = "b_opened"
    C_DAMAGED = "c_damaged"
    D_DEFECTIVE = "d_defective"
    WRONG_ITEM = "wrong_item"
    MISSING = "missing"


@unique
class Disposition(StrEnum):
    """What becomes of a unit."""

    RESTOCK = "restock"
    REFURBISH = "refurbish"
    VENDOR = "vendor"
    SCRAP = "scrap"
    KEEP = "keep"
    """The customer keeps it, or it never was in the parcel: nothing comes back."""


@frozen(kw_only=True)
class ReturnUnits:
    """
    Units of one line that somebody names: a quantity, serial numbers, or exactly these slots.

    With a quantity the lowest slots that qualify are taken.
    """

    line: LineId = field(converter=line_id)
    quantity: int = field(default=0, validator=count)
    slots: SlotSet = NO_SLOTS
    serials: tuple[str, ...] = field(default=(), converter=serials)

    def __attrs_post_init__(self) -> None:
        if type(self.slots) is not SlotSet:
            raise InvalidReturnError("slots", "they must be a SlotSet")
        if [self.quantity > 0, bool(self.slots), bool(self.serials)].count(True) != 1:
            raise InvalidReturnError("units", "name a quantity, serials or slots: one of them")

    @property
    def count(self) -> int:
        """How many units are meant."""
        return self.quantity or len(self.slots) or len(self.serials)


@frozen(kw_only=True)
class ReturnItem:
    """
    Units that an authorisation is about.

    ``freight`` is who pays for the way back; ``rule`` names what allowed it; ``is_right``: it is
    the customer's by law and cannot be rejected (RULES R-3).
    """

    line: LineId = field(converter=line_id)
    slots: SlotSet
    reason: ReturnReason = ReturnReason.OTHER
    note: str = field(default="", repr=False)
    freight: FreightPayer = FreightPayer.CUSTOMER
    rule: str = ""
    is_right: bool = False


@frozen(kw_only=True)
class ReceivedItem:
    """
    Units that came back at one location.

    ``in_stock_already``: a carrier's report has booked them in before, so nothing moves now.
    """

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    slots: SlotSet
    tracked: bool = True
    in_stock_already: bool = False


@frozen(kw_only=True)
class UnmatchedItem:
    """Units that came back and belong to no order (RULES R-6)."""

    item: ItemId = field(converter=item_id)
    quantity: int = field(validator=units)


@frozen(kw_only=True)
class Inspection:
    """What was found last about some slots, and where they lie."""

    slots: SlotSet
    grade: Grade
    disposition: Disposition
    accepted: bool
    deduction: Fraction = field(default=Fraction(0), converter=fraction)


@frozen(kw_only=True)
class InspectedItem:
    """
    A finding about some units: their grade, what becomes of them, and whether they are accepted.

    ``deduction`` is the part of their value that is kept back. ``before`` is what had become of
    them until now, so that each step moves stock once however often it is reported.
    """

    line: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    slots: SlotSet
    grade: Grade
    disposition: Disposition
    accepted: bool = True
    deduction: Fraction = field(default=Fraction(0), converter=fraction)
    location: LocationId | None = None
    tracked: bool = True
    before: Disposition | None = None


@frozen(kw_only=True)
class StoredUnits:
    """Units that came back, and where they lie."""

    slots: SlotSet
    location: LocationId = field(converter=location_id)


@frozen(kw_only=True)
class Rma:
    """
    One return: what is announced, what has come, where it stands.

    ``expects_goods`` is false where the customer keeps them or never got them. ``awaited`` are the
    announced slots that are not settled yet, ``stored`` those that came with it.
    """

    id: ReturnId = field(converter=return_id)
    status: RmaStatus = RmaStatus.REQUESTED
    purpose: ReturnPurpose = ReturnPurpose.RETURN
    items: tuple[ReturnItem, ...] = ()
    expects_goods: bool = True
    awaited: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    stored: Mapping[LineId, tuple[StoredUnits, ...]] = field(
        factory=dict[LineId, tuple[StoredUnits, ...]]
    )
    carrier: str = ""
    tracking_number: str | None = None
    label: str = ""
    reject_reason: str = ""
    granted_by: str = ""
    requested_at: datetime | None = field(default=None, converter=instant)
    received_at: datetime | None = field(default=None, converter=instant)

    @property
    def is_open(self) -> bool:
        """Whether somebody must still do something about it."""
        return self.status not in _ENDED

    def received(self, line: LineId) -> SlotSet:
        """The slots of *line* that came with this return."""
        came = NO_SLOTS
        for units_there in self.stored.get(line, ()):
            came |= units_there.slots
        return came

    @property
    def awaits_goods(self) -> bool:
        """Whether announced goods may still come."""
        return self.expects_goods and self.is_open


_ENDED: Final = frozenset({RmaStatus.REJECTED, RmaStatus.CLOSED})


@frozen(kw_only=True)
class ReturnTotals:
    """Units of all lines (RULES S): Q in open requests, R received back."""

    requested: int = 0
    received: int = 0
    accepted: int = 0


NOTHING_YET: Final = ReturnTotals()


@frozen(kw_only=True)
class ReturnsState:
    """
    All that is known about the returns of one order.

    ``requested`` (announced and not settled), ``received`` and ``kept`` (settled without goods)
    are disjoint sets of slots per line. ``accepted`` are those that count for the customer's money.
    """

    rmas: Mapping[ReturnId, Rma] = field(factory=dict[ReturnId, Rma])
    requested: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    received: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    kept: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    accepted: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    findings: Mapping[LineId, tuple[Inspection, ...]] = field(
        factory=dict[LineId, tuple[Inspection, ...]]
    )
    """The last finding about each inspected slot; the slots of one line's findings are disjoint."""
    totals: ReturnTotals = NOTHING_YET

    @property
    def open_rmas(self) -> Iterator[Rma]:
        """The returns that somebody must still do something about."""
        return (rma for rma in self.rmas.values() if rma.is_open)


EMPTY: Final = ReturnsState()
"""Nothing has come back, nobody asked."""
