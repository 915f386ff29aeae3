"""
Terms: every setting that an order is bound to, frozen into it at placement.

`decide` and `evolve` need no configuration, and a changed setting never rewrites an old order; a
deliberate change is the event ``TermsAmended``.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final, cast

from attrs import Attribute, define, field, frozen

from ordercore._fields import MOST_PARTS, Checks, such_as
from ordercore.errors import InvalidValueError
from ordercore.ids import HoldKind, ItemId, LocationId, Series, checked_id
from ordercore.inventory.reserve import BackorderRule
from ordercore.inventory.sourcing import InOrder, Strategy
from ordercore.moment import Period
from ordercore.money import MAX_MINOR
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.refund.policy import RefundPolicy
from ordercore.returns.policy import ReturnPolicy

__all__ = [
    "Blocks",
    "InvalidTermsError",
    "InvoiceWhen",
    "ReleaseOn",
    "Stage",
    "StageRule",
    "Terms",
]

ORDERS: Final = Series("ORD")
INVOICES: Final = Series("INV")
CREDIT_NOTES: Final = Series("CRN")
LONGEST_SERIES: Final = 180
"""A number of the series is longer than its name, and must be an id as well."""
WEEK: Final = Period(days=7)
HOUR: Final = Period(hours=1)
STORE: Final = LocationId("store")


NO_TIME: Final = Period()
NO_STAGE: Final = ""
"""Where an order is that is in none of the host's stages."""
INSIDE: Final = ("placed", "confirmed", "fulfilling", "fulfilled", "delivered")
"""Core statuses that go on, so that a host can have steps of its own in them."""


@define
class InvalidTermsError(InvalidValueError):
    """A part of the terms cannot be agreed upon."""

    sentence = "In the terms of an order, {name} cannot be used: {problem}."
    name: str
    problem: str


_CHECKS: Final = Checks(InvalidTermsError)
_yes_or_no: Final = _CHECKS.a(bool)


def _series(value: Series) -> Series:
    return Series(checked_id(value, "series", longest=LONGEST_SERIES))


def _location(value: LocationId) -> LocationId:
    return LocationId(checked_id(value, "location id"))


def _name(value: str) -> str:
    return checked_id(value, "stage")


def _inside(_: object, attribute: Attribute[str], value: object) -> None:
    if value not in INSIDE:
        raise InvalidTermsError(attribute.name, f"it must be one of {', '.join(INSIDE)}")


def _some_time(_: object, attribute: Attribute[Period], value: object) -> None:
    if type(value) is not Period or value == NO_TIME:
        kind = such_as(Period, value)
        raise InvalidTermsError(attribute.name, f"it must not be empty, and be a {kind}")


def _minor(_: object, attribute: Attribute[int], value: object) -> None:
    if type(value) is not int or not 0 <= value <= MAX_MINOR:
        raise InvalidTermsError(
            attribute.name, "it must be a whole number of minor units, 0 or more"
        )


def _items(_: object, attribute: Attribute[frozenset[ItemId]], value: object) -> None:
    items = cast("frozenset[object]", value) if type(value) is frozenset else None
    if items is None or len(items) > MOST_PARTS:
        raise InvalidTermsError(attribute.name, "it must be a frozenset of item ids")
    for item in items:
        checked_id(item, "item id")


def _hold_kinds(kinds: tuple[HoldKind, ...]) -> tuple[HoldKind, ...]:
    if type(kinds) is not tuple:
        raise InvalidTermsError("holds_at_placement", "it must be a tuple")
    return tuple(HoldKind(checked_id(kind, "hold")) for kind in kinds)


@unique
class Blocks(StrEnum):
    """What a hold stops (RULES O-3)."""

    CONFIRM = "confirm"
    CAPTURE = "capture"
    FULFIL = "fulfil"
    SHIP = "ship"
    REFUND = "refund"


@unique
class ReleaseOn(StrEnum):
    """A fact that ends a hold by itself (RULES O-3)."""

    PAID = "paid"
    """All that is owed is held."""
    COVERED = "covered"
    """Held, authorised, or trusted to be paid later."""
    STOCK_READY = "stock_ready"
    """Every unit is held or, by the terms, awaited."""
    ADDRESS_CHANGED = "address_changed"
    """Somebody gave another destination."""


@unique
class InvoiceWhen(StrEnum):
    """When the shop's invoice is due."""

    NEVER = "never"
    CONFIRMATION = "confirmation"
    DISPATCH = "dispatch"


@frozen(kw_only=True)
class Stage:
    """
    A host's own step inside one core status, with what may be done in it.

    ``inside`` is the value of an `OrderStatus`. A stage can only forbid: what the core forbids
    stays forbidden. It stands until the order enters another one or leaves it.
    """

    name: str = field(converter=_name)
    inside: str = field(validator=_inside)
    holds_stock: bool = field(default=True, validator=_yes_or_no)
    cancellable: bool = field(default=True, validator=_yes_or_no)
    editable: bool = field(default=True, validator=_yes_or_no)
    shippable: bool = field(default=True, validator=_yes_or_no)


@frozen(kw_only=True)
class StageRule:
    """The host's stages and the steps between them, as data; no step means any step."""

    stages: tuple[Stage, ...] = field(default=(), validator=_CHECKS.tuple_of(Stage))
    steps: tuple[tuple[str, str], ...] = field(default=(), validator=_CHECKS.tuple_of(tuple))

    def __attrs_post_init__(self) -> None:
        """Each stage has a name of its own, and steps lead from one known stage to another."""
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise InvalidTermsError("stages", "two of them have one name")
        if any(not {*step} <= {*names, NO_STAGE} for step in self.steps):
            raise InvalidTermsError("steps", "each must lead from one known stage to another")

    def allows(self, here: str, there: str) -> bool:
        """
        Whether a step leads from one stage to another; *here* is empty where the order is in none.

        Where the steps do not say how the first stage is entered, it is one to which none leads.
        """
        if not self.steps or (here, there) in self.steps:
            return True
        begins = {target for source, target in self.steps if source == NO_STAGE}
        return here == NO_STAGE and not begins and all(there != target for _, target in self.steps)

    def find(self, name: str) -> Stage | None:
        """The stage with this name."""
        return next((stage for stage in self.stages if stage.name == name), None)


@frozen(kw_only=True)
class Terms:
    """What was agreed when the order was placed; amounts in minor units of its currency."""

    capabilities: Capabilities = field(factory=Capabilities, validator=_CHECKS.any(Capabilities))
    payment: PaymentPolicy = field(factory=PaymentPolicy, validator=_CHECKS.any(PaymentPolicy))
    refund: RefundPolicy = field(factory=RefundPolicy, validator=_CHECKS.any(RefundPolicy))
    returns: ReturnPolicy = field(factory=ReturnPolicy, validator=_CHECKS.any(ReturnPolicy))
    backorder: BackorderRule = field(default=BackorderRule.NONE, validator=_CHECKS.a(BackorderRule))
    sourcing: Strategy = field(factory=InOrder, validator=_CHECKS.any(Strategy))
    stages: StageRule = field(factory=StageRule, validator=_CHECKS.a(StageRule))
    order_series: Series = field(default=ORDERS, converter=_series)
    invoice_series: Series = field(default=INVOICES, converter=_series)
    credit_note_series: Series = field(default=CREDIT_NOTES, converter=_series)
    invoice: InvoiceWhen = field(default=InvoiceWhen.DISPATCH, validator=_CHECKS.a(InvoiceWhen))
    confirm_within: Period = field(default=WEEK, validator=_some_time)
    """An order that is not confirmed by then expires (RULES O-6)."""
    retry_stock_after: Period = field(default=HOUR, validator=_some_time)
    tolerance: int = field(default=0, validator=_minor)
    """How far held money may differ from what is owed and count as equal (RULES PAY-7)."""
    ship_before_paid: bool = field(default=False, validator=_yes_or_no)
    release_automatically: bool = field(default=True, validator=_yes_or_no)
    book_carrier: bool = field(default=False, validator=_yes_or_no)
    complete_automatically: bool = field(default=True, validator=_yes_or_no)
    place_without_stock: LocationId = field(default=STORE, converter=_location)
    """Where units that need fulfilment but no stock are handed out."""
    holds_at_placement: tuple[HoldKind, ...] = field(default=(), converter=_hold_kinds)
    serialised: frozenset[ItemId] = field(default=frozenset(), validator=_items)
    """Items whose units are packed with their serial numbers (RULES I-8)."""
    bound_by: tuple[LocationId, ...] = field(default=(), validator=_CHECKS.tuple_of(str))
    """Allotments that bind the sale, such as its channel's and its buyer's (RULES I-11)."""
    dispatch_within: Period | None = field(default=None, validator=_CHECKS.a(Period, optional=True))
    """Until when planned work should have left, from its planning on (RULES F-6)."""
