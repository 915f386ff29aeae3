"""
What every importer returns: the order, what the platform claims, and where the two differ.

A platform's totals are claims. An importer turns lines, taxes and discounts into a `Draft`, keeps
the stated tax and discount amounts as they are, prices the draft, and compares. Nothing is
corrected in silence: each difference is a `Discrepancy` with its place, and the host chooses in
`resolve` what to do about it (RULES X-1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum, unique
from fractions import Fraction
from typing import Final, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from ordercore.codec.strict_json import PayloadError, Reader
from ordercore.errors import InvalidValueError, RefusedError
from ordercore.integrations.people import PartyData
from ordercore.moment import utc
from ordercore.money import Currency, Money, sum_money
from ordercore.order.party import Destination
from ordercore.pricing.model import Charge, ChargeKind, Draft, PricedOrder, UnitPrice
from ordercore.pricing.totals import price

__all__ = [
    "Check",
    "Claim",
    "Claims",
    "Discrepancy",
    "ExternalReference",
    "Freshness",
    "Imported",
    "MoneyPair",
    "Newer",
    "Policy",
    "RawStatus",
    "Stale",
    "TotalsMismatchError",
    "Unchanged",
    "claims_in",
    "compare_versions",
    "compared",
    "made_at",
    "priced_at",
    "resolve",
    "unit_price",
]

_T = TypeVar("_T")

ADJUSTMENT_ID: Final = "import-adjustment"


# --- claims -------------------------------------------------------------------------------------


@unique
class Check(StrEnum):
    """Which figure was compared."""

    LIST = "list"
    """The goods before discounts."""
    GOODS = "goods"
    """The goods after discounts."""
    DISCOUNT = "discount"
    SHIPPING = "shipping"
    """Shipping before its discounts."""
    GOODS_TAX = "goods tax"
    """The tax on everything but shipping."""
    SHIPPING_TAX = "shipping tax"
    TAX = "tax"
    TOTAL = "total"
    LINE = "line"
    """The amount of one line."""
    TAX_LINE = "tax line"
    """One tax of the whole order, against the sum of its parts."""
    TAX_RATE = "tax rate"
    """One tax, against what its stated rate gives."""
    SHOP_MONEY = "shop money"
    """An amount that is stated twice."""
    DISCOUNT_CODES = "discount codes"
    """What the codes are said to have taken off, against all discounts."""
    REFUNDED = "refunded"
    """The money of a refund, against what it is for."""
    DOCUMENT = "document"
    """A total of an invoice, against its own arithmetic."""


def _ships(kind: ChargeKind) -> bool:
    return kind is ChargeKind.SHIPPING


def _sum(currency: Currency, amounts: Iterable[Money]) -> Money:
    return sum_money(list(amounts), currency)


def _shipping_tax(order: PricedOrder) -> Money:
    return _sum(order.currency, (charge.tax for charge in order.charges if _ships(charge.kind)))


FIGURES: Final[Mapping[Check, Callable[[PricedOrder], Money]]] = {
    Check.LIST: lambda order: _sum(order.currency, (line.list_amount for line in order.lines)),
    Check.GOODS: lambda order: _sum(order.currency, (line.charged for line in order.lines)),
    Check.DISCOUNT: lambda order: _sum(
        order.currency, (discount.amount for part in order.parts for discount in part.discounts)
    ),
    Check.SHIPPING: lambda order: _sum(
        order.currency, (charge.list_amount for charge in order.charges if _ships(charge.kind))
    ),
    Check.SHIPPING_TAX: _shipping_tax,
    Check.GOODS_TAX: lambda order: order.tax - _shipping_tax(order),
    Check.TAX: lambda order: order.tax,
    Check.TOTAL: lambda order: order.total,
}
"""How each claimed figure is computed from a priced order."""


@frozen(kw_only=True)
class Claim:
    """One figure that the platform states, and where."""

    check: Check
    field: str
    amount: Money


@frozen
class Claims:
    """All totals that the platform states."""

    items: tuple[Claim, ...] = ()

    def amount(self, check: Check) -> Money | None:
        """What is claimed for this figure; ``None`` when nothing is."""
        return next((claim.amount for claim in self.items if claim.check is check), None)


@frozen(kw_only=True)
class Discrepancy:
    """A figure that the platform states and that its own parts do not give."""

    field: str
    check: Check
    claimed: Money
    computed: Money
    rule: str = ""
    """The outside's own rule, where it has a name: ``BR-CO-15``."""


# --- what comes in ------------------------------------------------------------------------------


@frozen(kw_only=True)
class ExternalReference:
    """What the platform calls the thing: unique together."""

    platform: str
    kind: str
    id: str
    name: str = ""


@frozen(kw_only=True)
class RawStatus:
    """A status in the platform's own word; ``known`` says whether this version knows the word."""

    field: str
    raw: str
    known: bool


@frozen(kw_only=True)
class MoneyPair:
    """One amount twice: as the shop books it and as the buyer sees it (RULES M-6)."""

    field: str
    shop: Money
    presentment: Money


@frozen(kw_only=True)
class Imported:
    """An order of another platform: what it is, what it claims, and where that differs."""

    reference: ExternalReference
    created_at: datetime | None = None
    updated_at: datetime | None = None
    draft: Draft
    priced: PricedOrder
    claims: Claims = Claims()
    discrepancies: tuple[Discrepancy, ...] = ()
    presentment: tuple[MoneyPair, ...] = ()
    statuses: tuple[RawStatus, ...] = ()
    is_test: bool = False
    buyer: PartyData | None = field(default=None, repr=False)
    bill_to: PartyData | None = field(default=None, repr=False)
    ship_to: PartyData | None = field(default=None, repr=False)

    @property
    def destination(self) -> Destination | None:
        """Where the goods go, as far as rules must know."""
        return None if self.ship_to is None else self.ship_to.destination

    @property
    def unknown_statuses(self) -> tuple[RawStatus, ...]:
        """Statuses that a person should look at: the platform speaks a newer language."""
        return tuple(status for status in self.statuses if not status.known)


def made_at(path: str, make: Callable[[], _T]) -> _T:
    """
    What *make* makes of the parts at *path*.

    Raises:
        PayloadError: The values there are well formed, but make no such thing.
    """
    try:
        return make()
    except PayloadError:
        raise
    except InvalidValueError as error:
        raise PayloadError(path, str(error).removesuffix(".")) from error


def unit_price(units_cost: Fraction, currency: Currency) -> UnitPrice:
    """
    An exact price of one unit, in minor units; for several units where it is no whole number.

    >>> unit_price(Fraction(1000, 3), Currency.of("EUR"))
    UnitPrice(amount=Money(1000, EUR), per=3)
    """
    return UnitPrice(Money(units_cost.numerator, currency), per=units_cost.denominator)


def claims_in(
    owner: Reader, names: Iterable[tuple[Check, str]], currency: Currency
) -> Iterator[Claim]:
    """The totals that an object states under these names; absent ones are not claimed."""
    for check, name in names:
        amount = owner.optional_money(name, currency)
        if amount is not None:
            yield Claim(check=check, field=owner.at(name), amount=amount)


def priced_at(path: str, make: Callable[[], Draft]) -> tuple[Draft, PricedOrder]:
    """
    The draft that *make* builds of the order at *path*, and its prices.

    Raises:
        PayloadError: The parts make no order.
    """
    draft = made_at(path, make)
    return draft, made_at(path, lambda: price(draft))


def compared(priced: PricedOrder, claims: Claims) -> tuple[Discrepancy, ...]:
    """Where the claimed totals are not those of the priced order."""
    found: list[Discrepancy] = []
    for claim in claims.items:
        computed = FIGURES[claim.check](priced)
        if claim.amount != computed:
            found.append(
                Discrepancy(
                    field=claim.field, check=claim.check, claimed=claim.amount, computed=computed
                )
            )
    return tuple(found)


# --- what the host decides ----------------------------------------------------------------------


@unique
class Policy(StrEnum):
    """What to do with an order whose platform contradicts itself (RULES X-1)."""

    REFUSE = "refuse"
    ADJUST = "adjust"
    """Take it at the claimed total, with one explicit adjustment line for the difference."""
    COMPUTED = "computed"
    """Take it at what its parts give."""


@define
class TotalsMismatchError(RefusedError):
    """The platform's totals are not those of its own lines."""

    sentence = (
        "The {kind} {id} contradicts itself, first at {discrepancies[0].field}; "
        "accept it with an adjustment, or as computed."
    )
    kind: str
    id: str
    discrepancies: tuple[Discrepancy, ...]


def resolve(imported: Imported, policy: Policy) -> PricedOrder:
    """
    The order as it is accepted under this policy.

    Raises:
        TotalsMismatchError: The policy refuses what contradicts itself.
        NegativeTotalError: The adjusted total would be below zero.

    Source:
        RULES X-1.
    """
    if not imported.discrepancies or policy is Policy.COMPUTED:
        return imported.priced
    if policy is Policy.REFUSE:
        reference = imported.reference
        raise TotalsMismatchError(reference.kind, reference.id, imported.discrepancies)
    claimed = imported.claims.amount(Check.TOTAL)
    if claimed is None or claimed == imported.priced.total:
        return imported.priced
    adjustment = Charge(
        id=ADJUSTMENT_ID,
        kind=ChargeKind.ADJUSTMENT,
        title=f"Difference to the total of {imported.reference.platform}",
        amount=claimed - imported.priced.total,
    )
    return price(evolve(imported.draft, charges=(*imported.draft.charges, adjustment)))


@frozen
class Newer:
    """The order is new, or newer than what is known: take it."""

    updated_at: datetime | None


@frozen
class Unchanged:
    """The same version is known already: nothing to do."""

    updated_at: datetime


@frozen
class Stale:
    """A newer version is known, or this one does not say how old it is: leave it."""

    known: datetime
    offered: datetime | None


Freshness: TypeAlias = Newer | Unchanged | Stale


def compare_versions(known_updated_at: datetime | None, imported: Imported) -> Freshness:
    """
    Whether an imported order says anything new (RULES X-1).

    Args:
        known_updated_at: The ``updated_at`` of the version that was taken last; ``None`` when the
            order is not known.

    Raises:
        NaiveDatetimeError: The known time has no time zone.
    """
    offered = imported.updated_at
    if known_updated_at is None:
        return Newer(offered)
    known = utc(known_updated_at)
    if offered is None or offered < known:
        return Stale(known, offered)
    return Unchanged(offered) if offered == known else Newer(offered)
