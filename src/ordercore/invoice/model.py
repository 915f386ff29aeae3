"""
Documents and their arithmetic: every total is the sum of what is printed above it.

The arithmetic is that of EN 16931 (RULES D-2): net = Σ lines − allowances + charges, one tax line
per group, gross = net + tax, payable = gross − prepaid + rounding. A document whose totals do not
follow from its lines cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum, unique
from fractions import Fraction

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import (
    CreditId,
    DocumentNumber,
    ItemId,
    LineId,
    OrderId,
    PartyId,
    Sku,
    checked_id,
)
from ordercore.money import Currency, Money, checked_quantity, round_fraction, sum_money
from ordercore.pricing.model import TaxCategory
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "CoveredSlots",
    "Document",
    "DocumentCharge",
    "DocumentKind",
    "DocumentLine",
    "DocumentScope",
    "DocumentTax",
    "DocumentTotals",
    "InvalidDocumentError",
    "TaxGroup",
    "group_taxes",
    "total_up",
]


@define
class InvalidDocumentError(InvalidValueError):
    """A document that says something impossible."""

    sentence = "This document cannot be made: {problem}."
    problem: str


@unique
class DocumentKind(StrEnum):
    """What a document is for (RULES D-1)."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PACKING_SLIP = "packing_slip"
    RETURN_SLIP = "return_slip"


@unique
class DocumentScope(StrEnum):
    """What an invoice covers."""

    ORDER = "order"
    SHIPMENT = "shipment"
    PERIOD = "period"


@frozen(kw_only=True)
class DocumentTax:
    """One tax of a line or charge; its amount was fixed when it was priced."""

    code: str
    category: TaxCategory = TaxCategory.STANDARD
    rate: Fraction = Fraction(0)
    jurisdiction: str = ""
    amount: Money
    evidence: str | None = None


@frozen(kw_only=True)
class DocumentLine:
    """
    Some slots of one line of an order.

    ``net`` is after all discounts, those of the order included. ``list_amount`` and the discounts
    are as they were offered: with tax where ``tax_included``. ``serials`` are printed on slips.
    """

    order: OrderId
    line: LineId
    slots: SlotSet
    item: ItemId
    sku: Sku
    title: str = ""
    quantity: int
    list_amount: Money
    discounts: tuple[tuple[str, Money], ...] = ()
    tax_included: bool = False
    net: Money
    taxes: tuple[DocumentTax, ...] = ()
    serials: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Check that the quantity is that of the slots."""
        checked_quantity(self.quantity)
        if len(self.slots) != self.quantity:
            raise InvalidDocumentError(f"line {self.line} has other slots than its quantity")

    @property
    def tax(self) -> Money:
        """The sum of its taxes."""
        return sum_money([tax.amount for tax in self.taxes], self.net.currency)

    @property
    def gross(self) -> Money:
        """What it costs with tax."""
        return self.net + self.tax


@frozen(kw_only=True)
class CoveredSlots:
    """
    Slots of which only the charges are stated, as their goods are credited already.

    An order may keep its shipping although some of its units never went out.
    """

    order: OrderId
    line: LineId
    slots: SlotSet


@frozen(kw_only=True)
class DocumentCharge:
    """An amount for the document as a whole: above zero a charge, below zero an allowance."""

    code: str
    kind: str
    title: str = ""
    net: Money
    taxes: tuple[DocumentTax, ...] = ()

    @property
    def tax(self) -> Money:
        """The sum of its taxes."""
        return sum_money([tax.amount for tax in self.taxes], self.net.currency)

    @property
    def gross(self) -> Money:
        """What it costs with tax."""
        return self.net + self.tax


@frozen(kw_only=True)
class TaxGroup:
    """
    The tax of everything with one category, rate and jurisdiction.

    ``tax`` is the sum of what the slots bear. ``difference`` is what it has more than base × rate,
    rounded once: it comes from rounding earlier and is stated, never hidden (RULES D-2).
    """

    category: TaxCategory
    rate: Fraction
    jurisdiction: str = ""
    base: Money
    tax: Money
    difference: Money
    evidence: str | None = None


@frozen(kw_only=True)
class DocumentTotals:
    """The totals of EN 16931, BT-106 to BT-115."""

    lines: Money
    allowances: Money
    charges: Money
    net: Money
    tax: Money
    gross: Money
    prepaid: Money
    rounding: Money
    payable: Money


def group_taxes(
    parts: Iterable[DocumentLine | DocumentCharge], currency: Currency
) -> tuple[TaxGroup, ...]:
    """
    One group per category, rate and jurisdiction, in the order in which they first appear.

    What bears no tax at all is grouped as out of scope.

    Source:
        RULES D-2; EN 16931 BG-23.
    """
    bases: dict[tuple[TaxCategory, Fraction, str], int] = {}
    taxes: dict[tuple[TaxCategory, Fraction, str], int] = {}
    evidence: dict[tuple[TaxCategory, Fraction, str], str] = {}
    for part in parts:
        untaxed = DocumentTax(
            code="", category=TaxCategory.OUT_OF_SCOPE, amount=Money.zero(currency)
        )
        for tax in part.taxes or (untaxed,):
            key = tax.category, tax.rate, tax.jurisdiction
            bases[key] = bases.get(key, 0) + part.net.minor
            taxes[key] = taxes.get(key, 0) + tax.amount.minor
            if tax.evidence:
                evidence.setdefault(key, tax.evidence)
    return tuple(
        TaxGroup(
            category=key[0],
            rate=key[1],
            jurisdiction=key[2],
            base=Money(base, currency),
            tax=Money(taxes[key], currency),
            difference=Money(taxes[key] - round_fraction(base * key[1]), currency),
            evidence=evidence.get(key),
        )
        for key, base in bases.items()
    )


def total_up(
    lines: Iterable[DocumentLine],
    charges: Iterable[DocumentCharge],
    *,
    prepaid: Money,
    rounding: Money,
) -> DocumentTotals:
    """
    The totals of these lines and charges.

    Source:
        RULES D-2; EN 16931 BR-CO-10 to BR-CO-16.
    """
    currency = prepaid.currency
    lines, charges = tuple(lines), tuple(charges)
    of_lines = sum_money([line.net for line in lines], currency)
    above = sum_money([one.net for one in charges if not one.net.is_negative], currency)
    below = sum_money([-one.net for one in charges if one.net.is_negative], currency)
    net = of_lines - below + above
    tax = sum_money([*(one.tax for one in lines), *(one.tax for one in charges)], currency)
    gross = net + tax
    return DocumentTotals(
        lines=of_lines,
        allowances=below,
        charges=above,
        net=net,
        tax=tax,
        gross=gross,
        prepaid=prepaid,
        rounding=rounding,
        payable=gross - prepaid + rounding,
    )


def _number(value: DocumentNumber | None) -> DocumentNumber | None:
    return None if value is None else DocumentNumber(checked_id(value, "document number"))


@frozen(kw_only=True)
class Document:
    """
    An invoice, a credit note or a slip: never changed once it is issued (RULES D-1).

    Args:
        number: Of its series; given when it is committed.
        buyer: The party and the version of its data that the document names.
        buyer_reference, purchase_order, cost_centre, buyer_vat_id: What the buyer wants to find
            on it: EN 16931 BT-10, BT-13, BT-19 and BT-48.
        refers_to: The invoices that it corrects: a credit note does, and an invoice of what is
            charged again.
        covered: Slots of which only charges are stated.
        credits: The credits that are taken into account, each with its order: stated by a credit
            note, or taken off the amounts of an invoice.
        about: The parcel or return that a slip is for.

    Raises:
        InvalidDocumentError: Its groups or totals are not those of its lines, or a credit note
            names no invoice.
    """

    kind: DocumentKind
    scope: DocumentScope = DocumentScope.ORDER
    number: DocumentNumber | None = field(default=None, converter=_number)
    currency: Currency
    issued_on: date
    due_on: date | None = None
    buyer: tuple[PartyId, int] | None = None
    buyer_reference: str = ""
    purchase_order: str = ""
    cost_centre: str = ""
    buyer_vat_id: str = field(default="", repr=False)
    lines: tuple[DocumentLine, ...] = ()
    charges: tuple[DocumentCharge, ...] = ()
    groups: tuple[TaxGroup, ...] = ()
    totals: DocumentTotals
    refers_to: tuple[DocumentNumber, ...] = ()
    covered: tuple[CoveredSlots, ...] = ()
    credits: tuple[tuple[OrderId, CreditId], ...] = ()
    about: str = ""
    note: str = ""

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if type(self.issued_on) is not date:
            raise InvalidDocumentError("it must say on which day it was issued")
        if self.kind is DocumentKind.CREDIT_NOTE and not self.refers_to:
            raise InvalidDocumentError("a credit note names the invoices that it corrects")
        parts: tuple[DocumentLine | DocumentCharge, ...] = (*self.lines, *self.charges)
        if not parts:
            raise InvalidDocumentError("there is nothing on it")
        totals = self.totals
        expected = total_up(
            self.lines, self.charges, prepaid=totals.prepaid, rounding=totals.rounding
        )
        if totals != expected:
            raise InvalidDocumentError("its totals are not those of its lines")
        if self.is_priced and self.groups != group_taxes(parts, self.currency):
            raise InvalidDocumentError("its tax groups are not those of its lines")

    @property
    def is_priced(self) -> bool:
        """Whether it states amounts: slips do not."""
        return self.kind in {DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE}

    def slots(self, order: OrderId) -> dict[LineId, SlotSet]:
        """By line of *order*, the slots that stand on it."""
        found: dict[LineId, SlotSet] = {}
        parts: tuple[DocumentLine | CoveredSlots, ...] = (*self.lines, *self.covered)
        for part in parts:
            if part.order == order:
                found[part.line] = found.get(part.line, NO_SLOTS) | part.slots
        return found
