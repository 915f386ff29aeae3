"""Which documents an order owes, and their facts; the arithmetic is `ordercore.invoice`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import define, evolve

from ordercore.errors import RefusedError
from ordercore.facts import Event
from ordercore.ids import LineId
from ordercore.invoice.build import (
    CreditNoteBasis,
    Header,
    InvoiceBasis,
    Source,
    build,
    pending_credits,
    unstated,
)
from ordercore.invoice.build import to_invoice as due_slots
from ordercore.invoice.events import DocumentIssued
from ordercore.invoice.model import DocumentKind
from ordercore.money import Money
from ordercore.order.balance import balance, has_open_slots
from ordercore.order.dues import invoice_due_on, shop_day
from ordercore.order.model import Order
from ordercore.order.party import BuyerReferences
from ordercore.order.terms import InvoiceWhen
from ordercore.pricing.slots import NO_SLOTS, SlotSet

__all__ = [
    "NothingToInvoiceError",
    "credit_note",
    "invoice",
    "owes_credit_note",
    "owes_invoice",
    "to_invoice",
]


@define
class NothingToInvoiceError(RefusedError):
    """Everything that can be invoiced now is invoiced."""

    sentence = "There is nothing to invoice now."


def _source(order: Order) -> Source:
    return Source(
        order=order.id,
        priced=order.priced,
        credits=order.credits,
        documents=order.documents,
    )


def _header(order: Order, now: datetime) -> Header:
    """Dated by the calendar of the shop, with what the buyer wants to find on it (RULES O-8)."""
    customer, named = order.customer, order.buyer or BuyerReferences()
    return Header(
        issued_on=shop_day(order, now),
        buyer=(customer.party, customer.version) if customer is not None else None,
        buyer_reference=named.buyer_reference,
        purchase_order=named.purchase_order,
        cost_centre=named.cost_centre,
        buyer_vat_id=named.vat_id,
    )


def to_invoice(order: Order, when: InvoiceWhen) -> Mapping[LineId, SlotSet]:
    """By line, the slots that an invoice is due for and that none states yet."""
    if when is InvoiceWhen.NEVER or order.confirmed_at is None:
        return {}
    is_early = has_open_slots(order) and order.fulfilment.totals.dispatched == 0
    if when is InvoiceWhen.DISPATCH and is_early:
        return {}
    return due_slots(_source(order), dict(_closed(order, when)))


def _closed(order: Order, when: InvoiceWhen) -> Iterator[tuple[LineId, SlotSet]]:
    """The slots that are done with: sent, cancelled, or in need of no sending."""
    for line in order.priced.lines:
        if when is InvoiceWhen.CONFIRMATION or not line.needs_fulfilment:
            yield line.id, SlotSet.of(0, line.quantity)
        else:
            sent = order.fulfilment.dispatched.get(line.id, NO_SLOTS)
            yield line.id, sent | order.cancelled_slots(line.id)


def owes_invoice(order: Order, when: InvoiceWhen) -> bool:
    """Whether slots, or what belongs to no slots, still have to be invoiced."""
    if to_invoice(order, when):
        return True
    is_last = bool(order.documents) and bool(order.credits) and not has_open_slots(order)
    return is_last and not owes_credit_note(order) and bool(unstated(_source(order)))


def invoice(order: Order, now: datetime, when: InvoiceWhen) -> Iterator[Event]:
    """The invoice of all that is due and not invoiced; nothing where there is none."""
    if owes_invoice(order, when):
        wanted = to_invoice(order, when)
        header = _header(order, now)
        basis = InvoiceBasis(header=header, sources=((_source(order), wanted),))
        plain = build(basis)
        prepaid = _prepaid(order, plain.totals.gross)
        if prepaid < plain.totals.gross:
            header = evolve(header, due_on=invoice_due_on(order, header.issued_on))
        document = build(evolve(basis, header=header, prepaid=prepaid))
        yield DocumentIssued(series=order.terms.invoice_series, document=document, at=now)


def _prepaid(order: Order, gross: Money) -> Money:
    """
    What is paid of an invoice over *gross* when it is issued: from zero to *gross*.

    That is what is held, and being captured at this moment, beyond what earlier documents state:
    money pays them first.

    Source:
        RULES D-2, PAY-7; EN 16931 BT-113.
    """
    sums = balance(order).totals
    stated = Money.zero(gross.currency)
    for document in order.documents:
        is_credit = document.kind is DocumentKind.CREDIT_NOTE
        stated += -document.totals.gross if is_credit else document.totals.gross
    free = sums.held - sums.refunds_in_flight + sums.captures_in_flight - stated
    return min(max(free, Money.zero(gross.currency)), max(gross, Money.zero(gross.currency)))


def owes_credit_note(order: Order) -> bool:
    """Whether a credit lowers something that was invoiced and no credit note says so."""
    if not order.documents or not order.credits:
        return False
    return bool(pending_credits(_source(order)))


def credit_note(order: Order, now: datetime) -> Iterator[Event]:
    """The credit note of all pending credits; an invoice of what some of them charge again."""
    if owes_credit_note(order):
        document = build(CreditNoteBasis(header=_header(order, now), source=_source(order)))
        series = order.terms.credit_note_series
        if document.kind is DocumentKind.INVOICE:
            series = order.terms.invoice_series
            document = evolve(document, due_on=invoice_due_on(order, document.issued_on))
        yield DocumentIssued(series=series, document=document, at=now)
