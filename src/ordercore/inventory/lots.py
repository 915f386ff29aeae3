"""
Lots: which units go first, and who got which (RULES I-8).

Serial numbers belong to single units: they are packed in `ordercore.fulfilment` and come back in
`ordercore.returns`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum, unique
from typing import cast

from attrs import field, frozen

from ordercore.ids import ItemId, LineId, LocationId, StreamId, checked_id
from ordercore.inventory._checks import (
    InvalidStockError,
    item_id,
    line_id,
    location_id,
    stream_id,
    units,
)
from ordercore.inventory.model import OutOfStockError, Shortage
from ordercore.money import checked_quantity

__all__ = [
    "Lot",
    "LotPick",
    "LotRule",
    "LotShipment",
    "pick_lots",
    "trace",
]


@unique
class LotRule(StrEnum):
    """Which lot goes first."""

    FEFO = "fefo"
    """First expired, first out; what never expires goes last."""
    FIFO = "fifo"
    """First in, first out."""


def _lot_id(value: str) -> str:
    return checked_id(value, "lot")


def _day(value: date) -> date:
    """A converter: a calendar day, not an instant."""
    if type(cast("object", value)) is not date:
        raise InvalidStockError("day", "it must be a date")
    return value


def _day_or_none(value: date | None) -> date | None:
    return None if value is None else _day(value)


@frozen(kw_only=True)
class Lot:
    """Units that came together; ``expires_on`` is the last day on which they are good."""

    id: str = field(converter=_lot_id)
    item: ItemId = field(converter=item_id)
    location: LocationId = field(converter=location_id)
    quantity: int = field(validator=units)
    received_on: date = field(converter=_day)
    expires_on: date | None = field(default=None, converter=_day_or_none)

    def is_good(self, until: date) -> bool:
        """Whether its units are still good on the day *until*."""
        return self.expires_on is None or until <= self.expires_on


@frozen(kw_only=True)
class LotPick:
    """So many units of one lot."""

    lot: Lot
    quantity: int


@frozen(kw_only=True)
class LotShipment:
    """Which owner's line got how many units of which lot."""

    lot: str = field(converter=_lot_id)
    owner: StreamId = field(converter=stream_id)
    line: LineId = field(converter=line_id)
    quantity: int = field(validator=units)


def pick_lots(
    lots: Sequence[Lot],
    quantity: int,
    *,
    rule: LotRule = LotRule.FEFO,
    on: date,
    days_left: int = 0,
) -> tuple[LotPick, ...]:
    """
    From which lots *quantity* units are taken.

    Args:
        lots: Of one item at one location.
        quantity: Units, at least 1.
        rule: Which lot goes first; among equals the older one, then by id.
        on: The day on which they leave.
        days_left: For how many days after that they must still be good at least.

    Raises:
        OutOfStockError: Not enough units that are good long enough.

    Source:
        RULES I-8.
    """
    missing = checked_quantity(quantity)
    longest = timedelta(days=checked_quantity(days_left, "days left", least=0, most=36_600))
    good = [lot for lot in lots if lot.is_good(_day(on) + longest)]
    picks: list[LotPick] = []
    for lot in sorted(good, key=lambda lot: (_first(lot, rule), lot.received_on, lot.id)):
        taken = min(missing, lot.quantity)
        if taken:
            picks.append(LotPick(lot=lot, quantity=taken))
            missing -= taken
    if missing:
        item = lots[0].item if lots else ItemId("?")
        raise OutOfStockError((Shortage(item=item, wanted=quantity, supplied=quantity - missing),))
    return tuple(picks)


def _first(lot: Lot, rule: LotRule) -> date:
    return (lot.expires_on or date.max) if rule is LotRule.FEFO else lot.received_on


def trace(shipments: Iterable[LotShipment], lot: str) -> tuple[LotShipment, ...]:
    """
    Who got units of *lot*: one row per owner and line, sorted, with the sum. For a recall.

    Source:
        RULES I-8.
    """
    found: Counter[tuple[StreamId, LineId]] = Counter()
    for shipment in shipments:
        if shipment.lot == lot:
            found[shipment.owner, shipment.line] += shipment.quantity
    return tuple(
        LotShipment(lot=lot, owner=owner, line=line, quantity=quantity)
        for (owner, line), quantity in sorted(found.items())
    )
