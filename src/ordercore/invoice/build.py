"""
Building documents: invoices and slips from slots, credit notes from credits.

Nothing is computed from a rate. An invoice is a sum over slots (RULES M-7), a credit note a list
of the parts of credits, so whatever is invoiced and credited in pieces adds up to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from attrs import field, frozen

from ordercore.ids import CreditId, DocumentNumber, LineId, OrderId, PartyId
from ordercore.invoice._balance import TaxBalance, balance
from ordercore.invoice._credit import (
    Stated,
    correction,
    invoiced_slots,
    is_stated,
    loose_rows,
    stated,
)
from ordercore.invoice._lines import added, charge_rows, invoice_line, slip_line
from ordercore.invoice.model import (
    CoveredSlots,
    Document,
    DocumentCharge,
    DocumentKind,
    DocumentLine,
    DocumentScope,
    InvalidDocumentError,
    group_taxes,
    total_up,
)
from ordercore.money import Currency, CurrencyMismatchError, Money
from ordercore.pricing.figures import line_figures
from ordercore.pricing.model import PricedOrder, Tax
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.model import Credit
from ordercore.refund.worth import Worth

__all__ = [
    "CreditNoteBasis",
    "Header",
    "InvoiceBasis",
    "SlipBasis",
    "SlipItem",
    "Source",
    "TaxBalance",
    "balance",
    "build",
    "invoiced_slots",
    "pending_credits",
    "to_invoice",
    "unstated",
]


@frozen(kw_only=True)
class Header:
    """What stands on a document besides its rows."""

    issued_on: date
    due_on: date | None = None
    buyer: tuple[PartyId, int] | None = None
    buyer_reference: str = ""
    purchase_order: str = ""
    cost_centre: str = ""
    buyer_vat_id: str = field(default="", repr=False)
    note: str = ""


@frozen(kw_only=True)
class Source:
    """
    One order as far as a document is about it.

    Args:
        order, priced: The order and what was charged.
        credits: All credits of the order so far, in the order in which they were granted.
        documents: All documents of the order so far, with their numbers.
        taxes: Taxes of fees that no line of the order bears.
    """

    order: OrderId
    priced: PricedOrder
    credits: tuple[Credit, ...] = ()
    documents: tuple[Document, ...] = ()
    taxes: tuple[Tax, ...] = ()


@frozen(kw_only=True)
class InvoiceBasis:
    """
    What an invoice is built from: the slots that it is to state, of one order or, for a period,
    of several.

    Slots of units that were cancelled belong on an invoice too: what the order keeps of them (its
    shipping, by policy) is then stated. Slots with nothing left to state add nothing.
    """

    header: Header
    sources: tuple[tuple[Source, Mapping[LineId, SlotSet]], ...]
    scope: DocumentScope = DocumentScope.ORDER
    prepaid: Money | None = None
    rounding: Money | None = None


@frozen(kw_only=True)
class CreditNoteBasis:
    """
    What a credit note is built from: all credits that no correction states yet.

    Where only such are left as take earlier ones back, it is an invoice of what is charged again.
    """

    header: Header
    source: Source


@frozen(kw_only=True)
class SlipItem:
    """Units that a slip names."""

    line: LineId
    slots: SlotSet
    serials: tuple[str, ...] = ()


@frozen(kw_only=True)
class SlipBasis:
    """What a packing or return slip is built from: ``about`` is the id of the parcel or return."""

    header: Header
    kind: DocumentKind = DocumentKind.PACKING_SLIP
    order: OrderId
    priced: PricedOrder
    about: str
    items: tuple[SlipItem, ...]


def build(basis: InvoiceBasis | CreditNoteBasis | SlipBasis) -> Document:
    """
    The document, still without its number.

    Raises:
        InvalidDocumentError: There is nothing to state, a slot is invoiced already, or the kind of
            slip is none.
        UnknownLineError: A line is not in the order.
        InvalidSlotsError: A line has not so many slots.
        CurrencyMismatchError: Orders in two currencies.

    Source:
        RULES D-1, D-2, D-3.
    """
    if isinstance(basis, InvoiceBasis):
        return _invoice(basis)
    if isinstance(basis, CreditNoteBasis):
        return _credit_note(basis)
    return _slip(basis)


def pending_credits(source: Source) -> tuple[Credit, ...]:
    """
    The credits that a credit note is due for: they lower something that was invoiced before them.

    Source:
        RULES D-3.
    """
    due = {one.credit for one in _stated(source) if not one.is_empty}
    return tuple(credit for credit in source.credits if credit.id in due)


def _stated(source: Source) -> Iterator[Stated]:
    return stated(
        source.priced,
        source.order,
        granted=source.credits,
        documents=source.documents,
        taxes=source.taxes,
    )


def _invoice(basis: InvoiceBasis) -> Document:
    rows = [_source_rows(source, slots) for source, slots in basis.sources]
    currency = _currency(source.priced for source, _ in basis.sources)
    return _finished(
        DocumentKind.INVOICE,
        basis.header,
        scope=basis.scope,
        lines=tuple(line for row in rows for line in row.lines),
        charges=tuple(charge for row in rows for charge in row.charges),
        prepaid=basis.prepaid or Money.zero(currency),
        rounding=basis.rounding or Money.zero(currency),
        covered=tuple(covered for row in rows for covered in row.covered),
        counted=tuple(
            (source.order, credit.id) for source, _ in basis.sources for credit in source.credits
        ),
    )


@frozen(kw_only=True)
class _Rows:
    lines: tuple[DocumentLine, ...]
    charges: tuple[DocumentCharge, ...]
    covered: tuple[CoveredSlots, ...]


def _source_rows(source: Source, wanted: Mapping[LineId, SlotSet]) -> _Rows:
    """What one order adds to an invoice: what its slots are worth now."""
    order, priced = source.order, source.priced
    done = invoiced_slots(source.documents, order)
    worth = Worth.after(priced, source.credits) if source.credits else None
    lines: list[DocumentLine] = []
    covered: list[CoveredSlots] = []
    of_charges: dict[tuple[str, str], int] = {}
    for line, slots in wanted.items():
        if slots & done.get(line, NO_SLOTS):
            raise InvalidDocumentError(f"some slots of line {line} are invoiced already")
        amounts = _worth_of(priced, worth, line, slots)
        added(of_charges, {key: minor for key, minor in amounts.items() if key[0]})
        goods = slots if worth is None else slots & worth.open_of(line)
        rest = slots - goods
        if goods:
            lines.append(invoice_line(priced, line, goods, amounts, order=order))
        if rest:
            covered.append(CoveredSlots(order=order, line=line, slots=rest))
    return _Rows(
        lines=tuple(lines),
        charges=(*charge_rows(priced, of_charges), *unstated(source)),
        covered=tuple(covered),
    )


def _worth_of(
    priced: PricedOrder, worth: Worth | None, line: LineId, slots: SlotSet
) -> Mapping[tuple[str, str], int]:
    """What slots are worth, by charge and tax, in minor units."""
    if worth is not None:
        return worth.left(line, slots)
    figures = line_figures(priced, line, slots)
    amounts = {("", ""): figures.net.minor}
    amounts.update({("", code): amount.minor for code, amount in figures.taxes})
    for charge in figures.charges:
        amounts[charge.charge, ""] = charge.net.minor
        amounts.update({(charge.charge, code): amount.minor for code, amount in charge.taxes})
    return amounts


def _credit_note(basis: CreditNoteBasis) -> Document:
    source = basis.source
    found = correction(one for one in _stated(source) if not one.is_empty)
    zero = Money.zero(source.priced.currency)
    return _finished(
        DocumentKind.INVOICE if found.raises else DocumentKind.CREDIT_NOTE,
        basis.header,
        lines=found.lines,
        charges=found.charges,
        prepaid=zero,
        rounding=zero,
        refers_to=found.refers_to,
        counted=tuple((source.order, credit) for credit in found.credits),
    )


def _slip(basis: SlipBasis) -> Document:
    if basis.kind not in {DocumentKind.PACKING_SLIP, DocumentKind.RETURN_SLIP}:
        raise InvalidDocumentError(f"a slip cannot be of the kind {basis.kind.value}")
    zero = Money.zero(basis.priced.currency)
    return _finished(
        basis.kind,
        basis.header,
        lines=tuple(
            slip_line(basis.priced, item.line, item.slots, item.serials, order=basis.order)
            for item in basis.items
        ),
        charges=(),
        prepaid=zero,
        rounding=zero,
        about=basis.about,
    )


def _finished(
    kind: DocumentKind,
    header: Header,
    *,
    lines: tuple[DocumentLine, ...],
    charges: tuple[DocumentCharge, ...],
    prepaid: Money,
    rounding: Money,
    scope: DocumentScope = DocumentScope.ORDER,
    covered: tuple[CoveredSlots, ...] = (),
    refers_to: tuple[DocumentNumber, ...] = (),
    counted: tuple[tuple[OrderId, CreditId], ...] = (),
    about: str = "",
) -> Document:
    priced = kind in {DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE}
    return Document(
        kind=kind,
        scope=scope,
        currency=prepaid.currency,
        issued_on=header.issued_on,
        due_on=header.due_on,
        buyer=header.buyer,
        buyer_reference=header.buyer_reference,
        purchase_order=header.purchase_order,
        cost_centre=header.cost_centre,
        buyer_vat_id=header.buyer_vat_id,
        note=header.note,
        lines=lines,
        charges=charges,
        groups=group_taxes((*lines, *charges), prepaid.currency) if priced else (),
        totals=total_up(lines, charges, prepaid=prepaid, rounding=rounding),
        refers_to=refers_to,
        covered=covered,
        credits=counted,
        about=about,
    )


def _currency(orders: Iterable[PricedOrder]) -> Currency:
    found: Currency | None = None
    for order in orders:
        if found is not None and order.currency is not found:
            raise CurrencyMismatchError(found.code, order.currency.code)
        found = order.currency
    if found is None:
        raise InvalidDocumentError("it is about no order")
    return found


def to_invoice(source: Source, closed: Mapping[LineId, SlotSet]) -> dict[LineId, SlotSet]:
    """
    Which of the closed slots (dispatched or cancelled) an invoice is due for.

    Those that no invoice states and that are worth stating: all whose goods are not credited, free
    ones too, and of the others those that the order keeps something of.

    Source:
        RULES D-1, D-3.
    """
    done = invoiced_slots(source.documents, source.order)
    worth = Worth.after(source.priced, source.credits) if source.credits else None
    found: dict[LineId, SlotSet] = {}
    for line, slots in closed.items():
        rest = slots - done.get(line, NO_SLOTS)
        if rest and worth is not None:
            kept = rest - worth.open_of(line)
            if not any(worth.left(line, kept).values()):
                rest -= kept
        if rest:
            found[line] = rest
    return found


def unstated(source: Source) -> tuple[DocumentCharge, ...]:
    """
    What credits have added or kept that belongs to no slots and that no document states yet.

    Goodwill is below zero, a fee that was kept above. The next invoice or credit note states it;
    where no slots are left to invoice, an invoice without lines does.

    Source:
        RULES D-3.
    """
    return tuple(
        row
        for credit in source.credits
        if not is_stated(credit, source.order, source.documents)
        for row in loose_rows(source.priced, credit, source.taxes, sign=-1)
    )
