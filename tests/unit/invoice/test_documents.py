from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.ids import CreditId, DocumentNumber, LineId, OrderId, PartyId, Series
from ordercore.invoice.build import (
    CreditNoteBasis,
    Header,
    InvoiceBasis,
    SlipBasis,
    SlipItem,
    Source,
    balance,
    build,
    invoiced_slots,
    pending_credits,
    to_invoice,
    unstated,
)
from ordercore.invoice.events import DocumentIssued
from ordercore.invoice.model import (
    Document,
    DocumentKind,
    DocumentLine,
    DocumentScope,
    InvalidDocumentError,
    group_taxes,
    total_up,
)
from ordercore.money import USD, CurrencyMismatchError, Money
from ordercore.pricing.discounts import AmountOff
from ordercore.pricing.model import PricedOrder, TaxCategory
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.model import (
    Credit,
    CreditCause,
    PriceReduction,
    RefundItem,
    RefundRequest,
)
from ordercore.refund.policy import GiveBack, RefundPolicy
from tests.unit.pricing.shop import eur, line, priced, shipping, vat

ORDER = OrderId("order-1")
TEA, CUP = LineId("tea"), LineId("cup")
TODAY = date(2026, 3, 2)
HEADER = Header(issued_on=TODAY)
FIRST = DocumentNumber("INV-1")

Slots = Mapping[LineId, SlotSet]


def shop() -> PricedOrder:
    """Three teas at 10.00 with 20 % on top, two cups at 5.00 incl. 10 %, shipping 4.90."""
    return priced(
        line("tea", 1000, 3, taxes=(vat(20),)),
        line("cup", 500, 2, taxes=(vat(10),), included=True),
        charges=(shipping(490, taxes=(vat(20),)),),
    )


EVERYTHING: Slots = {TEA: SlotSet.of(0, 3), CUP: SlotSet.of(0, 2)}


def source(*granted: Credit, documents: tuple[Document, ...] = ()) -> Source:
    return Source(order=ORDER, priced=shop(), credits=granted, documents=documents)


def invoice(of: Source, slots: Slots = EVERYTHING) -> Document:
    document = build(InvoiceBasis(header=HEADER, sources=((of, slots),)))
    return evolve(document, number=FIRST)


def credit_note(of: Source) -> Document:
    return build(CreditNoteBasis(header=HEADER, source=of))


def credit(
    *earlier: Credit,
    items: Slots | None = None,
    reduction: PriceReduction | None = None,
    goodwill: int = 0,
    policy: RefundPolicy | None = None,
) -> Credit:
    request = RefundRequest(
        id=CreditId(f"C-{len(earlier)}"),
        cause=CreditCause.RETURNED,
        items=tuple(RefundItem(line=name, slots=slots) for name, slots in (items or {}).items()),
        reductions=(reduction,) if reduction else (),
        goodwill=eur(goodwill) if goodwill else None,
    )
    basis = RefundBasis(priced=shop(), credits=earlier)
    return calculate(basis, request, policy or RefundPolicy()).credit


def test_an_invoice_states_the_whole_order() -> None:
    """Net, one tax line per group, gross: the figures of the order (RULES D-2)."""
    document = invoice(source())
    totals = document.totals
    assert (3909, 490, 4399) == (
        totals.lines.minor,
        totals.charges.minor,
        totals.net.minor,
    )
    assert [
        (TaxCategory.STANDARD, Fraction(20, 100), 3490, 698, 0),
        (TaxCategory.STANDARD, Fraction(10, 100), 909, 91, 0),
    ] == [
        (one.category, one.rate, one.base.minor, one.tax.minor, one.difference.minor)
        for one in document.groups
    ]
    assert shop().total == totals.gross == totals.payable == eur(5188)


def test_partial_invoices_sum_to_the_order() -> None:
    """Slot by slot: nothing is rounded twice (RULES M-7)."""
    first = invoice(source(), {TEA: SlotSet.of(0, 1), CUP: SlotSet.of(0, 1)})
    rest = to_invoice(source(documents=(first,)), EVERYTHING)
    assert {TEA: SlotSet.of(1, 3), CUP: SlotSet.of(1, 2)} == rest
    second = invoice(source(documents=(first,)), rest)
    assert shop().total == first.totals.gross + second.totals.gross
    assert [46, 45] == [
        next(line.tax.minor for line in one.lines if line.line == CUP) for one in (first, second)
    ]
    assert {} == to_invoice(source(documents=(first, second)), EVERYTHING)


def test_a_hidden_rounding_is_stated() -> None:
    """What the group's tax has more than base × rate stands on the document (RULES D-2)."""
    goods = priced(*[line(str(n), 33, taxes=(vat(5),)) for n in range(4)])
    slots = {one.id: SlotSet.of(0, 1) for one in goods.lines}
    of = Source(order=ORDER, priced=goods)
    (group,) = build(InvoiceBasis(header=HEADER, sources=((of, slots),))).groups
    assert (132, 8, 1) == (group.base.minor, group.tax.minor, group.difference.minor)


def test_discounts_are_shown_as_they_were_offered() -> None:
    """List amount and discounts stand with tax where the line includes it."""
    off = AmountOff(code="OFF", amount=eur(100))
    goods = priced(line("cup", 500, 2, taxes=(vat(10),), included=True, discounts=(off,)))
    of = Source(order=ORDER, priced=goods)
    document = build(InvoiceBasis(header=HEADER, sources=((of, {CUP: SlotSet.of(0, 2)}),)))
    (row,) = document.lines
    assert (1000, (("OFF", eur(100)),), True) == (
        row.list_amount.minor,
        row.discounts,
        row.tax_included,
    )
    assert eur(900) == row.gross


def test_prepaid_and_rounding_end_in_what_is_payable() -> None:
    """EN 16931, BR-CO-16: payable = gross − prepaid + rounding."""
    basis = InvoiceBasis(
        header=evolve(HEADER, due_on=date(2026, 3, 16), buyer=(PartyId("ann"), 2)),
        sources=((source(), EVERYTHING),),
        prepaid=eur(5000),
        rounding=eur(2),
    )
    document = build(basis)
    assert (5188, 190) == (document.totals.gross.minor, document.totals.payable.minor)
    assert ((PartyId("ann"), 2), date(2026, 3, 16)) == (document.buyer, document.due_on)


def test_nothing_is_invoiced_twice() -> None:
    """A slot stands on one invoice."""
    with pytest.raises(InvalidDocumentError, match="line tea are invoiced already"):
        invoice(source(documents=(invoice(source()),)), {TEA: SlotSet.of(0, 1)})


def test_an_invoice_of_nothing_is_refused() -> None:
    """Neither without slots nor without an order."""
    with pytest.raises(InvalidDocumentError, match="nothing on it"):
        invoice(source(), {})
    with pytest.raises(InvalidDocumentError, match="about no order"):
        build(InvoiceBasis(header=HEADER, sources=()))


def test_a_period_has_many_orders_and_one_currency() -> None:
    """Rows of several orders stand on one invoice (RULES D-1)."""
    other = Source(order=OrderId("order-2"), priced=shop())
    basis = InvoiceBasis(
        header=HEADER,
        scope=DocumentScope.PERIOD,
        sources=((source(), EVERYTHING), (other, {TEA: SlotSet.of(0, 1)})),
    )
    document = build(basis)
    assert (DocumentScope.PERIOD, 3) == (document.scope, len(document.lines))
    assert {TEA: SlotSet.of(0, 1)} == document.slots(OrderId("order-2"))
    foreign = Source(
        order=OrderId("order-3"),
        priced=PricedOrder(currency=USD, lines=()),
    )
    with pytest.raises(CurrencyMismatchError):
        build(evolve(basis, sources=((source(), EVERYTHING), (foreign, {}))))


# --- credits ------------------------------------------------------------------------------------


def test_a_credit_note_corrects_what_was_invoiced() -> None:
    """It names the invoice and states the slots; shipping stays, by policy."""
    back = credit(items={CUP: SlotSet.of(1, 2)}, policy=RefundPolicy(shipping=GiveBack.NEVER))
    of = source(back, documents=(invoice(source()),))
    assert (back,) == pending_credits(of)
    document = credit_note(of)
    assert (DocumentKind.CREDIT_NOTE, (FIRST,), ((ORDER, back.id),)) == (
        document.kind,
        document.refers_to,
        document.credits,
    )
    (row,) = document.lines
    assert (SlotSet.of(1, 2), 455, 45) == (row.slots, row.net.minor, row.tax.minor)
    assert () == document.charges
    assert back.amount == document.totals.gross


def test_a_stated_credit_is_not_pending() -> None:
    """One credit note for each credit."""
    back = credit(items={CUP: SlotSet.of(1, 2)})
    of = source(back, documents=(invoice(source()),))
    after = evolve(of, documents=(*of.documents, credit_note(of)))
    assert () == pending_credits(after)
    with pytest.raises(InvalidDocumentError, match="no credit lowers"):
        credit_note(after)


def test_what_was_never_invoiced_needs_no_credit_note() -> None:
    """A unit cancelled before its invoice is on no document at all."""
    back = credit(
        items={CUP: SlotSet.of(0, 2)}, policy=RefundPolicy(shipping=GiveBack.IN_PROPORTION)
    )
    first = invoice(source(), {TEA: SlotSet.of(0, 3)})
    of = source(back, documents=(first,))
    assert () == pending_credits(of)
    assert {} == to_invoice(of, EVERYTHING)
    assert shop().total - back.amount == first.totals.gross


def test_cancelled_units_may_still_owe_their_shipping() -> None:
    """Where shipping is never given back, the next invoice states it without goods."""
    back = credit(items={CUP: SlotSet.of(0, 2)}, policy=RefundPolicy(shipping=GiveBack.NEVER))
    of = source(back)
    assert EVERYTHING == to_invoice(of, EVERYTHING)
    document = invoice(of)
    assert [TEA] == [row.line for row in document.lines]
    assert [CUP] == [one.line for one in document.covered]
    assert EVERYTHING == invoiced_slots((document,), ORDER)
    assert shop().total - back.amount == document.totals.gross


def test_an_invoice_takes_earlier_reductions_off() -> None:
    """What got cheaper before is invoiced at what it is worth."""
    cheaper = credit(reduction=PriceReduction(line=TEA, slots=SlotSet.of(0, 3), amount=eur(360)))
    document = invoice(source(cheaper))
    row = document.lines[0]
    assert (2700, (("reduction", eur(300)),)) == (row.net.minor, row.discounts)
    assert shop().total - cheaper.amount == document.totals.gross
    assert () == pending_credits(source(cheaper, documents=(document,)))


def test_a_reduction_of_later_is_a_row_of_a_credit_note() -> None:
    """The goods stay, so no quantity is credited."""
    cheaper = credit(reduction=PriceReduction(line=TEA, slots=SlotSet.of(0, 3), amount=eur(360)))
    document = credit_note(source(cheaper, documents=(invoice(source()),)))
    assert () == document.lines
    (row,) = document.charges
    assert ("tea", 300, 60) == (row.code, row.net.minor, row.tax.minor)


def test_goodwill_is_stated_once() -> None:
    """By the first document that takes it into account."""
    kind = credit(goodwill=500)
    assert [eur(-500)] == [row.gross for row in unstated(source(kind))]
    first = invoice(source(kind), {TEA: SlotSet.of(0, 3)})
    (row,) = [one for one in first.charges if one.kind == "goodwill"]
    assert eur(-500) == row.gross
    assert row.net.is_negative
    assert -row.net == first.totals.allowances
    after = source(kind, documents=(first,))
    assert ((), ()) == (unstated(after), pending_credits(after))
    second = invoice(after, {CUP: SlotSet.of(0, 2)})
    assert shop().total - eur(500) == first.totals.gross + second.totals.gross


def test_the_balance_is_by_tax() -> None:
    """Invoices less credit notes, by group; what came to nothing is left out."""
    back = credit(items={CUP: SlotSet.of(0, 2)}, policy=RefundPolicy(shipping=GiveBack.NEVER))
    first = invoice(source())
    documents = (first, credit_note(source(back, documents=(first,))))
    assert [(Fraction(20, 100), 3490, 698)] == [
        (one.rate, one.base.minor, one.tax.minor) for one in balance(documents)
    ]


# --- slips and numbers --------------------------------------------------------------------------


def test_a_slip_names_units_and_no_prices() -> None:
    """What is in the box, with serial numbers."""
    basis = SlipBasis(
        header=HEADER,
        order=ORDER,
        priced=shop(),
        about="parcel-1",
        items=(SlipItem(line=TEA, slots=SlotSet.of(0, 2), serials=("S1", "S2")),),
    )
    document = build(basis)
    assert (DocumentKind.PACKING_SLIP, "parcel-1", 2, ("S1", "S2"), eur(0)) == (
        document.kind,
        document.about,
        document.lines[0].quantity,
        document.lines[0].serials,
        document.totals.gross,
    )
    assert () == document.groups
    assert build(evolve(basis, kind=DocumentKind.RETURN_SLIP)).kind is DocumentKind.RETURN_SLIP
    with pytest.raises(InvalidDocumentError, match="kind invoice"):
        build(evolve(basis, kind=DocumentKind.INVOICE))


def test_a_number_comes_with_the_commit() -> None:
    """The event has the series; the document gets its number from it (RULES D-1)."""
    event = DocumentIssued(
        at=datetime(2026, 3, 2, tzinfo=UTC),
        series=Series("INV"),
        document=build(InvoiceBasis(header=HEADER, sources=((source(), EVERYTHING),))),
    )
    assert event.numbered.number is None
    assert FIRST == evolve(event, number=FIRST).numbered.number


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(invoice(source()), totals=invoice(source(), {TEA: SlotSet.of(0, 1)}).totals),
        lambda: evolve(invoice(source()), groups=()),
        lambda: evolve(invoice(source()), kind=DocumentKind.CREDIT_NOTE),
        lambda: evolve(invoice(source()), issued_on=datetime(2026, 3, 2, tzinfo=UTC)),
        lambda: evolve(invoice(source()), number=DocumentNumber("\x00")),
        lambda: invoice(source(), {LineId("hat"): SlotSet.of(0, 1)}),
        lambda: invoice(source(), {TEA: SlotSet.of(2, 4)}),
        lambda: DocumentLine(
            order=ORDER,
            line=TEA,
            slots=SlotSet.of(0, 2),
            item=shop().lines[0].item,
            sku=shop().lines[0].sku,
            quantity=1,
            list_amount=eur(0),
            net=eur(0),
        ),
    ],
)
def test_an_impossible_document_cannot_be_made(make: Callable[[], object]) -> None:
    """Wrong totals, wrong groups, a credit note without an invoice, slots that do not exist."""
    with pytest.raises(OrderCoreError):
        make()


def test_what_bears_no_tax_is_out_of_scope() -> None:
    """It has a group of its own, so that the bases are all there."""
    goods = priced(line("tip", 100))
    of = Source(order=ORDER, priced=goods)
    (group,) = build(
        InvoiceBasis(header=HEADER, sources=((of, {LineId("tip"): SlotSet.of(0, 1)}),))
    ).groups
    assert (TaxCategory.OUT_OF_SCOPE, 100, 0) == (
        group.category,
        group.base.minor,
        group.tax.minor,
    )


def test_totals_of_nothing_are_zero() -> None:
    """The arithmetic has no special cases."""
    zero = Money.zero(USD)
    assert zero == total_up((), (), prepaid=zero, rounding=zero).payable
    assert () == group_taxes((), USD)
