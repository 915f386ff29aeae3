"""
Double entries from facts: what an order's books say after a fact, less what they said before.

The books of an order are a function of its state (`position`), so an entry is a difference and
cannot be out of balance by a forgotten case:

* money that tenders hold stands in clearing accounts (or in the liability that a gift card is),
  open disputes beside it;
* what documents state stands in sales, discounts, shipping, charges, allowances and tax;
* the customer's side is what documents state less what is held: a receivable if above zero, and
  else a deposit, of which what must be paid back is payable.

Revenue is booked when a document is issued. Nothing here is stored, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from ordercore.facts import Event
from ordercore.fulfilment.events import ShipmentDispatched
from ordercore.ids import ItemId
from ordercore.invoice.events import DocumentIssued
from ordercore.invoice.model import (
    Document,
    DocumentCharge,
    DocumentKind,
    DocumentLine,
    DocumentTax,
)
from ordercore.journal.model import Account, AccountKind, Entry, entry_of
from ordercore.money import Money, follow, sum_money
from ordercore.order.balance import balance
from ordercore.order.evolve import evolve
from ordercore.order.linked import CREDIT
from ordercore.order.model import Order
from ordercore.payment.balance import totals
from ordercore.payment.model import Tender, TenderKind
from ordercore.pricing.model import ChargeKind, LineKind
from ordercore.returns.events import ReturnInspected
from ordercore.returns.model import Disposition

__all__ = ["JournalContext", "entries", "journal", "position"]

_Amounts = Iterator[tuple[Account, Money]]
_Position = tuple[tuple[Account, Money], ...]

STORED: Final = frozenset(
    {
        TenderKind.GIFT_CARD,
        TenderKind.STORE_CREDIT,
        TenderKind.POINTS,
        TenderKind.EXCHANGE_CREDIT,
    }
)
"""Tenders that are a liability of the shop itself."""
UNKNOWN: Final = "unknown"
"""The clearing account of money that came in by a tender that the order does not know."""


@frozen(kw_only=True)
class JournalContext:
    """
    What the books need and orders do not know.

    ``costs``: what one unit of an item cost; without it the cost of goods is not booked.
    """

    costs: Mapping[ItemId, Money] = field(factory=dict[ItemId, Money])


NO_CONTEXT: Final = JournalContext()


def entries(
    before: Order | None, event: Event, after: Order, context: JournalContext = NO_CONTEXT
) -> tuple[Entry, ...]:
    """
    The double entry of one fact; none where it moves no value.

    Args:
        before: The order before the fact; none before its first one.
        event: The fact.
        after: The order after it.
        context: Costs of goods.

    Source:
        RULES D-4.
    """
    old = () if before is None else tuple(position(before))
    return _entries(event, after, (old, tuple(position(after))), context)


def journal(events: Iterable[Event], context: JournalContext = NO_CONTEXT) -> Iterator[Entry]:
    """The entries of an order's whole history, in its order."""
    order: Order | None = None
    old: _Position = ()
    for event in events:
        order = evolve(order, event)
        new = tuple(position(order))
        yield from _entries(event, order, (old, new), context)
        old = new


def _entries(
    event: Event, after: Order, positions: tuple[_Position, _Position], context: JournalContext
) -> tuple[Entry, ...]:
    """The entry of a fact that takes an order from one position to another one."""
    old, new = positions
    amounts = [*new, *((account, -amount) for account, amount in old)]
    if isinstance(event, DocumentIssued):
        amounts += _document(after, event.document)
    amounts += _costs(event, context)
    return entry_of(amounts, at=event.at, reason=type(event).__name__, subject=after.id)


def position(order: Order) -> _Amounts:
    """
    What an order's money and the customer's side of it stand at, debits above zero.

    Together they are minus what its documents have booked as revenue and tax.
    """
    sums = balance(order)
    known = Money.zero(order.priced.currency)
    for tender in order.payment.tenders:
        own = totals(order.payment, order.priced.currency, tender=tender.id)
        there = own.held - own.disputes_open
        known += there
        yield _money_account(tender), there
    if order.links and order.payment.tender(CREDIT) is None:
        moved = totals(order.payment, order.priced.currency, tender=CREDIT).held
        known += moved
        yield Account(AccountKind.STORED_VALUE, TenderKind.EXCHANGE_CREDIT.value), moved
    everything = sums.held - sums.totals.disputes_open
    yield Account(AccountKind.CLEARING, UNKNOWN), everything - known
    yield Account(AccountKind.DISPUTES), sums.totals.disputes_open
    stated = _stated(order)
    open_side = stated - sums.held
    if not open_side.is_negative:
        yield Account(AccountKind.RECEIVABLE), open_side
        return
    going_back = min(sums.to_pay_back + sums.totals.refunds_in_flight, -open_side)
    yield Account(AccountKind.REFUNDS_PAYABLE), -going_back
    yield Account(AccountKind.DEPOSITS), open_side + going_back


def _money_account(tender: Tender) -> Account:
    if tender.kind in STORED:
        return Account(AccountKind.STORED_VALUE, tender.kind.value)
    return Account(AccountKind.CLEARING, tender.gateway)


def _stated(order: Order) -> Money:
    """What the documents of an order state: invoices less credit notes, with tax."""
    amounts = [
        -one.totals.gross if one.kind is DocumentKind.CREDIT_NOTE else one.totals.gross
        for one in order.documents
        if one.is_priced
    ]
    return sum_money(amounts, order.priced.currency)


def _document(order: Order, document: Document) -> list[tuple[Account, Money]]:
    """What a document books as revenue and tax: credits for an invoice."""
    if not document.is_priced:
        return []
    amounts: list[tuple[Account, Money]] = []
    for line in document.lines:
        amounts += _line(order, line)
        amounts += _taxes(line.taxes)
    for charge in document.charges:
        amounts.append((_charge_account(charge), charge.net))
        amounts += _taxes(charge.taxes)
    if document.kind is DocumentKind.CREDIT_NOTE:
        return amounts
    return [(account, -amount) for account, amount in amounts]


def _line(order: Order, line: DocumentLine) -> _Amounts:
    """Gross of discounts in sales, the discounts by themselves; a gift card is a liability."""
    source = order.priced.by_id.get(line.line)
    if source is not None and source.kind is LineKind.GIFT_CARD:
        yield Account(AccountKind.STORED_VALUE, TenderKind.GIFT_CARD.value), line.net
        return
    currency = line.net.currency
    off = sum_money([amount for _, amount in line.discounts], currency)
    if line.tax_included:
        off = Money(follow(off.minor, line.net.minor, line.gross.minor), currency)
    yield Account(AccountKind.SALES), line.net + off
    yield Account(AccountKind.DISCOUNTS), -off


def _taxes(taxes: Iterable[DocumentTax]) -> _Amounts:
    for tax in taxes:
        yield Account(AccountKind.TAX, tax.jurisdiction or tax.code), tax.amount


def _charge_account(charge: DocumentCharge) -> Account:
    if charge.kind == ChargeKind.SHIPPING:
        return Account(AccountKind.SHIPPING)
    is_charge = charge.kind in {kind.value for kind in ChargeKind}
    kind = AccountKind.CHARGES if is_charge else AccountKind.ALLOWANCES
    return Account(kind, charge.kind)


def _costs(event: Event, context: JournalContext) -> _Amounts:
    """Goods that leave stock cost what they cost; goods that are restocked cost nothing again."""
    if not context.costs:
        return
    for item, units in _units_out(event):
        cost = context.costs.get(item)
        if cost is not None:
            yield Account(AccountKind.COST_OF_GOODS), cost * units
            yield Account(AccountKind.STOCK), cost * -units


def _units_out(event: Event) -> Iterator[tuple[ItemId, int]]:
    if isinstance(event, ShipmentDispatched):
        for item in event.items:
            if item.tracked:
                yield item.item, item.quantity
    elif isinstance(event, ReturnInspected):
        for result in event.results:
            was, is_now = (
                one is Disposition.RESTOCK for one in (result.before, result.disposition)
            )
            if result.tracked and was is not is_now:
                yield result.item, len(result.slots) if was else -len(result.slots)
