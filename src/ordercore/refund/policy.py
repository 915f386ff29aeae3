"""
Refund policies: what comes back with the goods, what is kept, and what is taken back.

Every rule is a value; a shop's own fee or promotion rule is a subclass in ten lines (RULES RF-4).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum, unique
from fractions import Fraction

from attrs import field, frozen

from ordercore.ids import LineId, checked_id
from ordercore.money import Money, checked_amount, checked_quantity
from ordercore.pricing.model import ChargeKind, Tax
from ordercore.refund.model import CreditCause, InvalidRefundError, refuse_unless, refuse_unless_all
from ordercore.refund.tenders import ReverseOrder, TenderOrder

__all__ = [
    "EarnedByAmount",
    "EarnedByUnits",
    "Fee",
    "FreightFee",
    "GiveBack",
    "GoodsKept",
    "GoodsReturned",
    "PercentFee",
    "PromotionRule",
    "RefundPolicy",
    "ReturnFee",
    "UnitFee",
]


@unique
class GiveBack(StrEnum):
    """When a charge comes back with the goods (RULES RF-4)."""

    NEVER = "never"
    IN_PROPORTION = "in_proportion"
    """Each unit brings back what it bears of the charge."""
    WITH_LAST_UNIT = "with_last_unit"
    """All of it, once all units that bear it are credited."""
    ALWAYS = "always"
    """All of it, with the first unit."""


@frozen(kw_only=True)
class GoodsReturned:
    """
    What a fee may look at; *before* counts earlier credits that had the fee too.

    Args:
        amount: What is credited for the goods now, with tax, without charges.
        units: How many units are credited now.
    """

    cause: CreditCause
    reason: str
    amount: Money
    amount_before: Money
    units: int
    units_before: int
    returns_before: int


def _name(value: str) -> str:
    return checked_id(value, "name of a fee")


def _code(value: str) -> str:
    return checked_id(value, "code of a promotion")


@frozen(kw_only=True)
class Fee(ABC):
    """
    Something that the shop keeps when goods come back; never more than the credit.

    Args:
        name: What the customer reads.
        tax: The tax that the fee contains; none when not given.
        causes: Which credits it is taken from.

    A shop's own fee:

    >>> @frozen(kw_only=True)
    ... class FreeForThree(UnitFee):
    ...     def amount_kept(self, on: GoodsReturned) -> Money:
    ...         units = max(on.units_before + on.units - 3, 0) - max(on.units_before - 3, 0)
    ...         return self.amount * units
    """

    name: str = field(converter=_name)
    tax: Tax | None = None
    causes: tuple[CreditCause, ...] = (CreditCause.RETURNED,)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if self.tax is not None:
            refuse_unless(self.tax, Tax, "tax")
        refuse_unless_all(self.causes, CreditCause, "causes")
        self.check()

    def check(self) -> None:  # noqa: B027 - most subclasses need it, none must have it
        """Refuse fields that make no sense; called once, when the fee is made."""

    @property
    def component(self) -> str:
        """Which component of a credit it is."""
        return "fee"

    @abstractmethod
    def amount_kept(self, on: GoodsReturned) -> Money:
        """What is kept, with tax; zero or more."""


@frozen(kw_only=True)
class PercentFee(Fee):
    """
    A fraction of what is credited for the goods.

    Cumulative: the fee of all returns so far less that of the earlier ones, so that the sum does
    not depend on how the goods come back.
    """

    rate: Fraction

    def check(self) -> None:
        """Refuse more than everything."""
        if type(self.rate) is not Fraction or not 0 <= self.rate <= 1:
            problem = "its rate must be a Fraction from 0 to 1, such as Fraction(10, 100)"
            raise InvalidRefundError(f"fee {self.name}", problem)

    def amount_kept(self, on: GoodsReturned) -> Money:
        """The fraction of everything so far, less that of what was before."""
        total = (on.amount_before + on.amount).times(self.rate)
        return total - on.amount_before.times(self.rate)


@frozen(kw_only=True)
class UnitFee(Fee):
    """A fixed amount per unit."""

    amount: Money

    def check(self) -> None:
        """Refuse a negative amount."""
        checked_amount(self.amount, f"fee {self.name}")

    def amount_kept(self, on: GoodsReturned) -> Money:
        """The amount, times the units."""
        return self.amount * on.units


@frozen(kw_only=True)
class ReturnFee(Fee):
    """A fixed amount per return."""

    amount: Money

    def check(self) -> None:
        """Refuse a negative amount."""
        checked_amount(self.amount, f"fee {self.name}")

    def amount_kept(self, on: GoodsReturned) -> Money:
        """The amount, once."""
        return self.amount * min(on.units, 1)


@frozen(kw_only=True)
class FreightFee(ReturnFee):
    """The freight of the way back, deducted once per return."""

    @property
    def component(self) -> str:
        """It is freight."""
        return "freight"


@frozen(kw_only=True)
class GoodsKept:
    """What a promotion rule may look at: the goods that stay, at their list prices."""

    amount: Money
    units: int
    units_of: dict[LineId, int]


@frozen(kw_only=True)
class PromotionRule(ABC):
    """
    A promotion that the kept goods may no longer earn.

    Then the discount *code* is taken back from the slots that stay, by at most the credit; it is
    released when they come back too.

    Args:
        code: The code of the discount.
        causes: Which credits it is looked at for.
    """

    code: str = field(converter=_code)
    causes: tuple[CreditCause, ...] = (CreditCause.RETURNED,)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        refuse_unless_all(self.causes, CreditCause, "causes")
        self.check()

    def check(self) -> None:  # noqa: B027 - most subclasses need it, none must have it
        """Refuse fields that make no sense; called once, when the rule is made."""

    @abstractmethod
    def still_earned(self, kept: GoodsKept) -> bool:
        """Whether the goods that stay earn it by themselves."""


@frozen(kw_only=True)
class EarnedByAmount(PromotionRule):
    """The promotion needs goods of at least *least*, at list prices."""

    least: Money

    def check(self) -> None:
        """Refuse a negative amount."""
        checked_amount(self.least, f"least of {self.code}")

    def still_earned(self, kept: GoodsKept) -> bool:
        """Whether the goods that stay cost so much."""
        return kept.amount >= self.least


@frozen(kw_only=True)
class EarnedByUnits(PromotionRule):
    """The promotion needs at least so many units, of these lines or of all."""

    units: int
    lines: tuple[LineId, ...] | None = None

    def check(self) -> None:
        """Refuse units of nothing, and what are no lines."""
        checked_quantity(self.units, "units")
        if self.lines is not None:
            refuse_unless_all(self.lines, str, "lines")

    def still_earned(self, kept: GoodsKept) -> bool:
        """Whether so many units stay."""
        if self.lines is None:
            return kept.units >= self.units
        return sum(kept.units_of.get(line, 0) for line in self.lines) >= self.units


_CANCELLING = frozenset({CreditCause.CANCELLED, CreditCause.SHORT, CreditCause.EXPIRED})


@frozen(kw_only=True)
class RefundPolicy:
    """
    What is given back and what is kept; frozen in the terms of the order.

    Args:
        shipping: When shipping comes back with returned goods.
        surcharges: When fees, gift wrap, tips and duties do.
        cancelled: When any charge comes back with units that never went out.
        fees: What the shop keeps, in this order.
        promotions: What is taken back when the goods that stay no longer earn it.
        goodwill_taxed: Goodwill lowers the taxes in proportion; otherwise it has none.
        tenders: Where the money goes.
    """

    shipping: GiveBack = GiveBack.IN_PROPORTION
    surcharges: GiveBack = GiveBack.IN_PROPORTION
    cancelled: GiveBack = GiveBack.IN_PROPORTION
    fees: tuple[Fee, ...] = ()
    promotions: tuple[PromotionRule, ...] = ()
    goodwill_taxed: bool = True
    tenders: TenderOrder = field(factory=ReverseOrder)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        for mode in (self.shipping, self.surcharges, self.cancelled):
            refuse_unless(mode, GiveBack, "when charges come back")
        refuse_unless_all(self.fees, Fee, "fees")
        refuse_unless_all(self.promotions, PromotionRule, "promotions")
        refuse_unless(self.goodwill_taxed, bool, "goodwill_taxed")
        refuse_unless(self.tenders, TenderOrder, "tenders")

    def gives_back(self, cause: CreditCause, kind: ChargeKind) -> GiveBack:
        """When a charge of this kind comes back; an adjustment, as a price, in proportion."""
        if kind is ChargeKind.ADJUSTMENT:
            return GiveBack.IN_PROPORTION
        if cause in _CANCELLING:
            return self.cancelled
        return self.shipping if kind is ChargeKind.SHIPPING else self.surcharges
