from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.fulfilment.events import ShipmentDispatched
from ordercore.fulfilment.model import ParcelItem
from ordercore.ids import (
    DocumentNumber,
    FulfilmentId,
    ItemId,
    LineId,
    LocationId,
    OrderId,
    ParcelId,
    Reference,
    ReturnId,
    Series,
    StreamId,
    TenderId,
)
from ordercore.invoice.build import (
    Header,
    InvoiceBasis,
    SlipBasis,
    SlipItem,
    Source,
    build,
)
from ordercore.invoice.events import DocumentIssued
from ordercore.journal import entries as booking
from ordercore.journal.entries import JournalContext, journal
from ordercore.journal.model import (
    Account,
    AccountKind,
    Entry,
    EntryRow,
    UnbalancedEntryError,
    entry_of,
)
from ordercore.journal.payout import Payout, PayoutMismatchError
from ordercore.money import USD, CurrencyMismatchError, Money
from ordercore.order.events import NoteAdded, OrderPlaced
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.events import DisputeReported, PaymentRecorded
from ordercore.payment.model import DisputeStatus, Tender, TenderKind
from ordercore.pricing.discounts import AmountOff
from ordercore.pricing.model import LineKind, PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.returns.events import ReturnInspected
from ordercore.returns.model import Disposition, Grade, InspectedItem
from tests.unit.pricing.shop import draft, eur, line, priced, shipping, vat

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORDER = OrderId("order-1")
TEA = LineId("tea")
CASH = Tender(id=TenderId("cash"), kind=TenderKind.CASH, gateway="desk")


def shop() -> PricedOrder:
    """Two teas at 10.00 less 2.00, 20 % on top, and shipping 5.00 with 20 %."""
    off = AmountOff(code="OFF", amount=eur(200))
    return priced(
        line("tea", 1000, 2, taxes=(vat(20),), discounts=(off,)),
        charges=(shipping(500, taxes=(vat(20),)),),
    )


def placed(order: PricedOrder) -> OrderPlaced:
    return OrderPlaced(
        at=NOW,
        series=Series("ORD"),
        order=ORDER,
        priced=order,
        terms=Terms(),
        tenders=(CASH,),
    )


def paid(minor: int) -> PaymentRecorded:
    return PaymentRecorded(
        at=NOW, tender=CASH.id, amount=eur(minor), reference=Reference(f"till-{minor}")
    )


def invoiced(order: PricedOrder, slots: int = 2) -> DocumentIssued:
    source = Source(order=ORDER, priced=order)
    wanted = {one.id: SlotSet.of(0, min(slots, one.quantity)) for one in order.lines}
    document = build(
        InvoiceBasis(header=Header(issued_on=date(2026, 3, 2)), sources=((source, wanted),))
    )
    return DocumentIssued(
        at=NOW, series=Series("INV"), number=DocumentNumber("INV-1"), document=document
    )


def rows(entry: Entry) -> dict[str, int]:
    return {str(row.account): row.amount.minor for row in entry.rows}


def test_each_position_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The books of a long history cost one look at the order for each fact (RULES D-4)."""
    asked: list[int] = []
    real = booking.position

    def counted(order: Order) -> Iterator[tuple[Account, Money]]:
        asked.append(order.version)
        yield from real(order)

    monkeypatch.setattr(booking, "position", counted)
    history = [placed(shop()), paid(500), paid(600)]
    assert 2 == len(list(journal(history)))
    assert [1, 2, 3] == asked


def test_money_before_the_invoice_is_a_deposit() -> None:
    """Then the invoice takes it, and books what was sold (RULES D-4)."""
    money, invoice = journal([placed(shop()), paid(2760), invoiced(shop())])
    assert {"clearing:desk": 2760, "deposits": -2760} == rows(money)
    assert {
        "deposits": 2760,
        "sales": -2000,
        "discounts": 200,
        "shipping": -500,
        "tax:VAT20": -460,
    } == rows(invoice)
    assert ("DocumentIssued", "order-1", NOW) == (invoice.reason, invoice.subject, invoice.at)


def test_an_invoice_before_the_money_is_a_receivable() -> None:
    """Bought on account: owed until it is paid; what is paid too much is a deposit."""
    invoice, money = journal([placed(shop()), invoiced(shop()), paid(3000)])
    assert 2760 == rows(invoice)["receivable"]
    assert {
        "clearing:desk": 3000,
        "receivable": -2760,
        "refunds_payable": -240,
    } == rows(money)


def test_a_partial_invoice_splits_the_deposit() -> None:
    """Half of it is sold, the other half is still a deposit."""
    _, invoice = journal([placed(shop()), paid(2760), invoiced(shop(), slots=1)])
    assert 1380 == rows(invoice)["deposits"]


def test_what_moves_no_value_is_not_booked() -> None:
    """Notes, slips and placements leave the books alone."""
    slip = build(
        SlipBasis(
            header=Header(issued_on=date(2026, 3, 2)),
            order=ORDER,
            priced=shop(),
            about="p-1",
            items=(SlipItem(line=TEA, slots=SlotSet.of(0, 1)),),
        )
    )
    facts: list[Event] = [
        placed(shop()),
        NoteAdded(at=NOW, text="call before noon"),
        DocumentIssued(at=NOW, series=Series("S"), number=DocumentNumber("S-1"), document=slip),
    ]
    assert [] == list(journal(facts))


def test_a_gift_card_that_is_sold_is_a_liability() -> None:
    """It is no revenue until somebody pays with it (RULES P-1)."""
    card = changed(line("card", 5000), kind=LineKind.GIFT_CARD)
    order = price(draft(card))
    (entry,) = journal([placed(order), invoiced(order)])
    assert {"receivable": 5000, "stored_value:gift_card": -5000} == rows(entry)


def test_money_by_an_unknown_tender_is_not_lost() -> None:
    """It stands in an account of its own until somebody says what it was."""
    stray = changed(paid(100), tender=TenderId("mystery"))
    (entry,) = journal([placed(shop()), stray])
    assert {"clearing:unknown": 100, "deposits": -100} == rows(entry)


def test_a_dispute_holds_money_back() -> None:
    """Opened: beside the clearing account. Lost: the customer has it back."""

    def said(status: DisputeStatus) -> DisputeReported:
        return DisputeReported(
            at=NOW,
            reference=Reference("d-1"),
            tender=CASH.id,
            amount=eur(1000),
            status=status,
        )

    entries = list(
        journal(
            [
                placed(shop()),
                paid(2760),
                invoiced(shop()),
                said(DisputeStatus.OPENED),
                said(DisputeStatus.LOST),
            ]
        )
    )
    assert {"clearing:desk": -1000, "disputes": 1000} == rows(entries[2])
    assert {"disputes": -1000, "receivable": 1000} == rows(entries[3])


COSTS = JournalContext(costs={ItemId("item-tea"): eur(350)})


def sent() -> ShipmentDispatched:
    return ShipmentDispatched(
        at=NOW,
        owner=StreamId(ORDER),
        parcel=ParcelId("p-1"),
        fulfilment=FulfilmentId("f-1"),
        location=LocationId("north"),
        items=(ParcelItem(line=TEA, item=ItemId("item-tea"), quantity=2, slots=SlotSet.of(0, 2)),),
    )


def found(before: Disposition | None, now: Disposition) -> ReturnInspected:
    return ReturnInspected(
        at=NOW,
        owner=StreamId(ORDER),
        return_id=ReturnId("r-1"),
        results=(
            InspectedItem(
                line=TEA,
                item=ItemId("item-tea"),
                slots=SlotSet.of(0, 1),
                grade=Grade.A_NEW,
                disposition=now,
                before=before,
            ),
        ),
    )


def test_goods_that_leave_cost_what_they_cost() -> None:
    """And what is restocked costs nothing again (RULES D-4)."""
    facts: list[Event] = [
        placed(shop()),
        sent(),
        found(None, Disposition.RESTOCK),
        found(Disposition.RESTOCK, Disposition.SCRAP),
        found(None, Disposition.REFURBISH),
    ]
    assert [
        {"cost_of_goods": 700, "stock": -700},
        {"cost_of_goods": -350, "stock": 350},
        {"cost_of_goods": 350, "stock": -350},
    ] == [rows(entry) for entry in journal(facts, COSTS)]
    assert [] == list(journal(facts))
    assert [] == list(journal(facts, JournalContext(costs={ItemId("hat"): eur(1)})))


SALES, BANK = Account(AccountKind.SALES), Account(AccountKind.BANK)


def test_an_entry_that_does_not_balance_cannot_be_made() -> None:
    """Nor one in two currencies."""
    with pytest.raises(UnbalancedEntryError, match=r"test is out of balance by 1\.00 EUR"):
        Entry(at=NOW, reason="test", subject="x", rows=(EntryRow(SALES, eur(100)),))
    with pytest.raises(CurrencyMismatchError):
        entry_of([(SALES, eur(1)), (BANK, Money(-1, USD))], at=NOW, reason="test", subject="x")


def test_rows_of_one_account_are_one_row() -> None:
    """Netted and sorted; nothing is left of nothing."""
    amounts = [(SALES, eur(-5)), (BANK, eur(3)), (SALES, eur(2))]
    (entry,) = entry_of(amounts, at=NOW, reason="test", subject="x")
    assert {"bank": 3, "sales": -3} == rows(entry)
    assert () == entry_of([(SALES, eur(0))], at=NOW, reason="test", subject="x")


def test_a_payout_must_add_up() -> None:
    """Gross less fees is net, to the cent."""
    with pytest.raises(PayoutMismatchError, match="po-1"):
        Payout(
            gateway="acme",
            reference=Reference("po-1"),
            gross=eur(100),
            fees=eur(3),
            net=eur(98),
            at=NOW,
        )
