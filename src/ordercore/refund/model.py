"""
Credits and quotes: what lowers the debt, itemised, each part with the rule that caused it.

Debt and money are two ledgers (RULES RF-1). A `Credit` belongs to the first: it says that less is
owed. What is sent back follows from both, see `ordercore.refund.calculate`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum, unique
from typing import Final, cast

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import CreditId, LineId, TenderId, checked_id
from ordercore.money import Currency, LimitExceededError, Money, checked_amount, sum_money
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "COMPONENTS",
    "ChargeCredit",
    "Credit",
    "CreditCause",
    "CreditPart",
    "InvalidRefundError",
    "PriceReduction",
    "RefundItem",
    "RefundQuote",
    "RefundRequest",
    "RefundRow",
    "TenderShare",
    "refuse_unless",
    "refuse_unless_all",
    "refuse_unless_text",
]

COMPONENTS: Final = frozenset(
    {"goods", "tax", "shipping", "charge", "fee", "freight", "promotion", "goodwill"}
)


@define
class InvalidRefundError(InvalidValueError):
    """A credit, or the request for one, makes no sense."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def refuse_unless(value: object, kind: Callable[..., object], name: str) -> None:
    """Refuse what is not one of the class *kind*, abstract or not."""
    if not isinstance(value, cast("type[object]", kind)):
        problem = f"it must be {kind.__name__}, not {type(value).__name__}"
        raise InvalidRefundError(name, problem)


def refuse_unless_all(values: object, kind: Callable[..., object], name: str) -> None:
    """Refuse what is no tuple of *kind*."""
    if type(values) is not tuple:
        raise InvalidRefundError(name, f"they must be a tuple, not {type(values).__name__}")
    for value in cast("tuple[object, ...]", values):
        refuse_unless(value, kind, name)


@unique
class CreditCause(StrEnum):
    """Why less is owed (RULES RF-1)."""

    CANCELLED = "cancelled"
    SHORT = "short"
    EXPIRED = "expired"
    RETURNED = "returned"
    CLAIM = "claim"
    PRICE_REDUCTION = "price_reduction"
    GOODWILL = "goodwill"
    WRITE_OFF = "write_off"


LONGEST_TEXT: Final = 2_000


def refuse_unless_text(value: object, name: str) -> None:
    """Refuse what is no text of bounded length; it may be empty."""
    refuse_unless(value, str, name)
    if len(cast("str", value)) > LONGEST_TEXT:
        raise InvalidRefundError(name, f"it is longer than {LONGEST_TEXT} characters")


def _credit_id(value: CreditId) -> CreditId:
    return CreditId(checked_id(value, "credit id"))


def _line_id(value: LineId) -> LineId:
    return LineId(checked_id(value, "line id"))


def _line_id_or_none(value: LineId | None) -> LineId | None:
    return None if value is None else _line_id(value)


def _charge_id(value: str) -> str:
    return checked_id(value, "charge id")


def _tender_id(value: TenderId) -> TenderId:
    return TenderId(checked_id(value, "tender id"))


def _tender_id_or_none(value: TenderId | None) -> TenderId | None:
    return None if value is None else _tender_id(value)


@frozen(kw_only=True)
class CreditPart:
    """
    One amount of a credit: positive lowers the debt, a deduction is negative.

    Args:
        component: ``goods`` (net), ``tax``, ``shipping`` and ``charge`` (net), ``fee``,
            ``freight``, ``promotion`` or ``goodwill``.
        code: The tax code, the charge's id, or the name of the fee or promotion.
        charge: The id of the charge that this, or the base of this tax, belongs to.
        line: Whose slots they are; none where it does not belong to slots.
        slots: The slots whose worth it lowers; none for fees, freight and goodwill.
        adjusts: The slots stay, only their worth changes: a price reduction, a promotion taken
            back, a charge given back on its own. Otherwise the slots are credited in full.
        rule: The rule or policy that caused it.

    Raises:
        InvalidRefundError: There is no such component, or slots without a line.
    """

    component: str
    code: str = ""
    charge: str = ""
    line: LineId | None = field(default=None, converter=_line_id_or_none)
    slots: SlotSet = NO_SLOTS
    amount: Money
    adjusts: bool = False
    rule: str

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        for text in (self.component, self.code, self.charge, self.rule):
            refuse_unless_text(text, "a part of a credit")
        if self.component not in COMPONENTS:
            raise InvalidRefundError("component", "there is none of this name")
        refuse_unless(self.amount, Money, "amount")
        refuse_unless(self.slots, SlotSet, "slots")
        refuse_unless(self.adjusts, bool, "adjusts")
        if self.slots and self.line is None:
            raise InvalidRefundError("a part of a credit", "its slots belong to no line")

    @property
    def key(self) -> tuple[str, str]:
        """Which amount of its slots it lowers: (charge or nothing, tax code or nothing)."""
        return self.charge, self.code if self.component == "tax" else ""


@frozen(kw_only=True)
class Credit:
    """
    A fact that lowers what is owed; its parts sum to it.

    Raises:
        InvalidRefundError: It has no part.
        CurrencyMismatchError: Parts in two currencies.
    """

    id: CreditId = field(converter=_credit_id)
    cause: CreditCause
    parts: tuple[CreditPart, ...]
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        refuse_unless(self.cause, CreditCause, "cause")
        refuse_unless_text(self.reason, "reason")
        refuse_unless_all(self.parts, CreditPart, "parts")
        if not self.parts:
            raise InvalidRefundError(f"credit {self.id}", "it has no part")
        sum_money([part.amount for part in self.parts], self.currency)

    @property
    def currency(self) -> Currency:
        """The currency of all parts."""
        return self.parts[0].amount.currency

    @property
    def amount(self) -> Money:
        """By how much less is owed."""
        return sum_money([part.amount for part in self.parts], self.currency)


def _slots(value: SlotSet) -> SlotSet:
    if type(value) is not SlotSet or not value:
        raise InvalidRefundError("slots", "name at least one")
    return value


@frozen(kw_only=True)
class RefundItem:
    """Units that are to be credited in full."""

    line: LineId = field(converter=_line_id)
    slots: SlotSet = field(converter=_slots)


@frozen(kw_only=True)
class ChargeCredit:
    """A charge that is to be credited by itself: *amount* with tax, or all that is left of it."""

    charge: str = field(converter=_charge_id)
    amount: Money | None = None


@frozen(kw_only=True)
class PriceReduction:
    """Units that stay, for less: *amount* with tax for all of these slots together."""

    line: LineId = field(converter=_line_id)
    slots: SlotSet = field(converter=_slots)
    amount: Money


MOST_REDUCTIONS: Final = 20
"""How many parts of one line may be reduced in one request; each is weighed against the others."""


def _check_reductions(reductions: tuple[PriceReduction, ...]) -> None:
    of_line = Counter(reduction.line for reduction in reductions)
    most = max(of_line.values(), default=0)
    if most > MOST_REDUCTIONS:
        raise LimitExceededError("reductions of one line", MOST_REDUCTIONS, most)


@frozen(kw_only=True)
class RefundRequest:
    """
    What somebody asks to be credited, for one cause.

    Args:
        id: The id that the credit will have.
        items: Units in full.
        charges: Charges by themselves, beside what the policy gives back with the units.
        reductions: Units that stay, for less.
        goodwill: An amount that belongs to no unit.

    Raises:
        InvalidRefundError: It asks for nothing, or for a line twice.
        LimitExceededError: It reduces a line in more than `MOST_REDUCTIONS` parts.
        NegativeAmountError: An amount below zero.
    """

    id: CreditId = field(converter=_credit_id)
    cause: CreditCause
    items: tuple[RefundItem, ...] = ()
    charges: tuple[ChargeCredit, ...] = ()
    reductions: tuple[PriceReduction, ...] = ()
    goodwill: Money | None = None
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        refuse_unless(self.cause, CreditCause, "cause")
        refuse_unless_text(self.reason, "reason")
        refuse_unless_all(self.items, RefundItem, "items")
        refuse_unless_all(self.charges, ChargeCredit, "charges")
        refuse_unless_all(self.reductions, PriceReduction, "reductions")
        _check_reductions(self.reductions)
        if not (self.items or self.charges or self.reductions or self.goodwill):
            raise InvalidRefundError("the request", "it asks for nothing")
        lines = [item.line for item in self.items]
        if len(set(lines)) < len(lines):
            raise InvalidRefundError("the request", "it names a line twice")
        asked = [reduction.amount for reduction in self.reductions]
        asked += [charge.amount for charge in self.charges if charge.amount is not None]
        for amount in asked:
            if not checked_amount(amount):
                raise InvalidRefundError("amount", "it must be above zero")
        if self.goodwill is not None:
            checked_amount(self.goodwill, "goodwill")


@frozen(kw_only=True)
class TenderShare:
    """
    Where a part of the money goes.

    Args:
        tender: Whose captured money it is; the amount counts against it (RULES RF-5).
        sent_to: The tender that gets it instead, where the original is closed or the buyer takes
            store credit.
        bonus: A separate liability on top, outside every ceiling.
    """

    tender: TenderId = field(converter=_tender_id)
    amount: Money
    sent_to: TenderId | None = field(default=None, converter=_tender_id_or_none)
    bonus: Money | None = None

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        for amount in (self.amount, self.bonus):
            if amount is not None:
                checked_amount(amount, f"share of tender {self.tender}")


@frozen(kw_only=True)
class RefundRow:
    """One row of an explanation; rows that do not count say what another one contains."""

    text: str
    amount: Money
    rule: str
    counts: bool = True


@frozen(kw_only=True)
class RefundQuote:
    """
    What a refund would do; it can be shown, and then carried out as shown (RULES RF-2).

    Args:
        request: What was asked; carrying the quote out asks the same again.
        credit: By how much less would be owed, in parts.
        maximum: The most that could still be credited, before this credit.
        pay_back: What would be sent back now.
        destinations: Where it would go; they sum to *pay_back*.
        basis: A fingerprint of the facts that it was computed from.
        rows: The explanation; rows that count sum to the credit.
    """

    request: RefundRequest
    credit: Credit
    maximum: Money
    pay_back: Money
    destinations: tuple[TenderShare, ...] = ()
    basis: str
    rows: tuple[RefundRow, ...] = ()

    def explain(self) -> tuple[RefundRow, ...]:
        """How the credit comes about, row by row, with the rule behind each."""
        return self.rows
