"""
Delivery groups (RULES O-8): what of an order goes to whom, how and when; a line may span several.

Units that no group names are a group of their own, without a name, that is served last. Work is
planned for each group by itself, so a parcel always belongs to one; and the return window of a line
begins with the last delivery of its groups (RULES R-3).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import date
from enum import StrEnum, unique
from typing import Final, TypeAlias, TypeVar, cast

from attrs import Attribute, define, field, frozen

from ordercore.errors import InvalidValueError, RefusedError
from ordercore.fulfilment.model import FulfilmentOrder, FulfilmentState, WorkStatus
from ordercore.ids import LineId, checked_id
from ordercore.money import checked_quantity
from ordercore.order.party import Destination, PartyRef
from ordercore.payment.cards import mask_card_numbers
from ordercore.pricing.model import PricedOrder

__all__ = [
    "CustomsItem",
    "DeliveryGroup",
    "GroupFixedError",
    "Incoterm",
    "InvalidGroupError",
    "PartialShipments",
    "check_groups",
    "check_not_begun",
    "group_of",
    "regrouped",
    "served",
]

LONGEST_GIFT_MESSAGE: Final = 1_000
MOST_CUSTOMS: Final = 5_000
MOST_PRIORITY: Final = 1_000_000
_NONE: Final = type(None)
_T = TypeVar("_T")
MOST_GROUPS: Final = 500


@define
class InvalidGroupError(InvalidValueError):
    """The delivery groups do not fit the order, or one of them makes no sense."""

    sentence = "The delivery group {group} cannot be used: {problem}."
    group: str
    problem: str


@define
class GroupFixedError(RefusedError):
    """Work on a delivery group has begun, or is held."""

    sentence = "The delivery group {group} cannot be changed: work on it has begun, or is held."
    group: str


@unique
class Incoterm(StrEnum):
    """Who pays for and bears the way: Incoterms 2020."""

    EXW = "EXW"
    FCA = "FCA"
    CPT = "CPT"
    CIP = "CIP"
    DAP = "DAP"
    DPU = "DPU"
    DDP = "DDP"
    FAS = "FAS"
    FOB = "FOB"
    CFR = "CFR"
    CIF = "CIF"


@unique
class PartialShipments(StrEnum):
    """Whether a group may go in several parcels at several times."""

    ALLOWED = "allowed"
    COMPLETE = "complete"
    """Nothing is planned before all of it can be."""


def _line_id(value: LineId) -> LineId:
    return LineId(checked_id(value, "line id"))


def _masked(text: str) -> str:
    """Words of a person without card numbers (RULES PAY-8); what is no bearable text is refused."""
    is_text = type(text) is str and len(text) <= LONGEST_GIFT_MESSAGE
    return mask_card_numbers(text) if is_text else text


def _text(owner: CustomsItem | DeliveryGroup, attribute: Attribute[str], text: object) -> None:
    name = owner.id if isinstance(owner, DeliveryGroup) else f"with line {owner.line}"
    if type(text) is not str or len(text) > LONGEST_GIFT_MESSAGE:
        problem = f"its {attribute.name} is text of at most {LONGEST_GIFT_MESSAGE} characters"
        raise InvalidGroupError(name, problem)


@frozen(kw_only=True)
class CustomsItem:
    """What customs must know of one line."""

    line: LineId = field(converter=_line_id)
    tariff_code: str = field(default="", converter=_masked, validator=_text)
    origin_country: str = field(default="", converter=_masked, validator=_text)
    description: str = field(default="", converter=_masked, validator=_text)


_Units: TypeAlias = tuple[tuple[LineId, int], ...]


def _units(group: DeliveryGroup, attribute: Attribute[_Units], units: object) -> None:
    pairs = cast("tuple[object, ...]", units) if type(units) is tuple else ()
    if not all(type(pair) is tuple and len(cast("_Units", pair)) == 2 for pair in pairs):
        pairs = ()
    names: set[str] = set()
    for line, count in cast("_Units", pairs):
        names.add(_line_id(line))
        checked_quantity(count)
    if not pairs or len(names) < len(pairs):
        raise InvalidGroupError(
            group.id, f"its {attribute.name} are pairs of a line, each named once, and a number"
        )


def _is_a(*kinds: type[object]) -> Callable[[DeliveryGroup, Attribute[_T], _T], None]:
    """An attrs validator: a value of just one of these kinds."""

    def check(group: DeliveryGroup, attribute: Attribute[_T], value: object) -> None:
        if type(value) not in kinds:
            names = " or ".join(kind.__name__ for kind in kinds if kind is not type(None))
            problem = f"its {attribute.name} must be {names}, not {type(value).__name__}"
            raise InvalidGroupError(group.id, problem)

    return check


def _customs(
    group: DeliveryGroup, attribute: Attribute[tuple[CustomsItem, ...]], items: object
) -> None:
    known = cast("tuple[object, ...]", items) if type(items) is tuple else (None,)
    if not all(type(item) is CustomsItem for item in known) or len(known) > MOST_CUSTOMS:
        problem = f"its {attribute.name} must be a tuple of at most {MOST_CUSTOMS} CustomsItem"
        raise InvalidGroupError(group.id, problem)


def _priority(group: DeliveryGroup, _: Attribute[int], value: int) -> None:
    if type(value) is not int or abs(value) > MOST_PRIORITY:
        problem = f"its priority is a whole number up to {MOST_PRIORITY}"
        raise InvalidGroupError(group.id, problem)


def _group_id(value: str) -> str:
    return checked_id(value, "delivery group")


@frozen(kw_only=True)
class DeliveryGroup:
    """
    Some units of some lines that go to one place in one manner.

    Args:
        units: How many units of each line.
        party, destination: Who gets them and where; by default those of the order.
        method: What was promised, such as ``standard`` or ``pick-up``.
        wanted_on: The day on which they are wanted.
        gift_message: What is printed for the one who gets it; never in ``repr``.
        priority: Groups with a higher one get their units first.

    Raises:
        InvalidGroupError: A field is of another type, too long, or names a line twice.
        InvalidQuantityError: A number of units that cannot be.
    """

    id: str = field(converter=_group_id)
    units: _Units = field(validator=_units)
    party: PartyRef | None = field(default=None, validator=_is_a(PartyRef, _NONE))
    destination: Destination | None = field(default=None, validator=_is_a(Destination, _NONE))
    method: str = field(default="", converter=_masked, validator=_text)
    wanted_on: date | None = field(default=None, validator=_is_a(date, _NONE))
    gift_message: str = field(default="", repr=False, converter=_masked, validator=_text)
    incoterm: Incoterm | None = field(default=None, validator=_is_a(Incoterm, _NONE))
    customs: tuple[CustomsItem, ...] = field(default=(), validator=_customs)
    partial: PartialShipments = field(
        default=PartialShipments.ALLOWED, validator=_is_a(PartialShipments)
    )
    priority: int = field(default=0, validator=_priority)

    def wanted(self, line: LineId) -> int:
        """How many units of *line* belong to it."""
        return dict(self.units).get(line, 0)


def check_groups(priced: PricedOrder, groups: tuple[DeliveryGroup, ...]) -> None:
    """
    Refuse groups that do not fit the order.

    Raises:
        InvalidGroupError: Two of one name, more units than the line has, or a line that needs no
            delivery.
        UnknownLineError: A line that is not there.
    """
    checked_quantity(len(groups) + 1, "number of delivery groups", most=MOST_GROUPS)
    if len({group.id for group in groups}) < len(groups):
        raise InvalidGroupError(groups[0].id, "two have one name")
    taken: dict[LineId, int] = {}
    for group in groups:
        for line_id, count in group.units:
            line = priced.line(line_id)
            taken[line_id] = taken.get(line_id, 0) + count
            if not line.needs_fulfilment:
                raise InvalidGroupError(group.id, f"line {line_id} is not delivered")
            if taken[line_id] > line.quantity:
                raise InvalidGroupError(group.id, f"line {line_id} has not so many units")
        for item in group.customs:
            priced.line(item.line)


def regrouped(
    priced: PricedOrder, old: tuple[DeliveryGroup, ...], new: tuple[DeliveryGroup, ...]
) -> frozenset[str]:
    """The names of the groups that change, come or go; that of units in no named one is empty."""
    before = {group.id: group for group in old}
    after = {group.id: group for group in new}
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    for line in priced.lines:
        if _named(old, line.id) != _named(new, line.id):
            changed.add("")
    return frozenset(changed)


def _named(groups: tuple[DeliveryGroup, ...], line: LineId) -> int:
    return sum(group.wanted(line) for group in groups)


def check_not_begun(state: FulfilmentState, names: Container[str]) -> None:
    """
    Refuse to change groups whose units a location works on, holds or has sent.

    Raises:
        GroupFixedError: Work on one of these groups is more than planned.

    Source:
        RULES O-8.
    """
    for work in state.orders.values():
        is_sent = any(line.dispatched for line in work.lines)
        is_planned = work.status in {WorkStatus.PLANNED, WorkStatus.CANCELLED}
        if work.group in names and (is_sent or not is_planned):
            raise GroupFixedError(work.group or "without a name")


def served(groups: Iterable[DeliveryGroup]) -> tuple[str, ...]:
    """The names of the groups in the order in which they are served; the unnamed one is last."""
    return (*(group.id for group in sorted(groups, key=lambda group: -group.priority)), "")


def group_of(groups: Iterable[DeliveryGroup], work: FulfilmentOrder | None) -> DeliveryGroup | None:
    """The group that a location works for; none where the units have no named one."""
    name = "" if work is None else work.group
    return next((group for group in groups if group.id == name), None)
