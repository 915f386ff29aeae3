"""What a business buyer owes, from the dispatch to the last transfer, in a store on disk."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from ordercore.adapters.sqlite import SqliteStore
from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import OrderId, Reference
from ordercore.moment import Period
from ordercore.order.dues import TenderDue, overdue
from ordercore.order.status import statuses
from ordercore.payment.commands import RecordPayment
from ordercore.payment.model import DueWhen, Operation, Tender, TenderKind
from tests.laws.order_world import ACCOUNT, START, Shop, eur, line

NET_14 = Tender(
    id=ACCOUNT.id, kind=TenderKind.ON_ACCOUNT, due=DueWhen.INVOICE, due_after=Period(days=14)
)
DAY = timedelta(days=1)
DUE_ON = START.date() + 15 * DAY


def shop_on_disk(folder: Path) -> Shop:
    """A shop with three units of tea, which keeps its books in a file."""
    shop = Shop()
    shop.store = SqliteStore(folder / "shop.db", clock=shop.clock)
    shop.service = shop.another()
    shop.receive("tea", 3)
    return shop


def sent_on_account(shop: Shop) -> OrderId:
    """An order whose goods have left a day after it was placed."""
    order = shop.place(line("tea", 3), tenders=(NET_14,)).id
    shop.clock.forward(DAY)
    parcel = shop.pack(order)
    assert parcel is not None
    shop.do(order, Dispatch(parcel=parcel))
    return order


def pay(shop: Shop, order: OrderId, minor: int, name: str) -> None:
    """A transfer arrives."""
    shop.do(order, RecordPayment(tender=NET_14.id, amount=eur(minor), reference=Reference(name)))


def late(shop: Shop, order: OrderId, days: int) -> tuple[tuple[int, date | None], ...]:
    """What is late so many days after the placement, as another process reads it from the file."""
    found: tuple[TenderDue, ...] = overdue(shop.another("other").load(order), START + days * DAY)
    return tuple((one.open.minor, one.due_on) for one in found)


def test_an_invoice_on_account_is_sent_becomes_late_and_is_settled(tmp_path: Path) -> None:
    """PAY-7: goods go first, the invoice names its day, what lacks after it is late till paid."""
    shop = shop_on_disk(tmp_path)
    order = sent_on_account(shop)
    (invoice,) = shop.load(order).documents
    assert (START.date() + DAY, DUE_ON) == (invoice.issued_on, invoice.due_on)
    assert (0, 3000) == (invoice.totals.prepaid.minor, invoice.totals.payable.minor)
    assert "deferred" == statuses(shop.load(order)).payment
    assert () == late(shop, order, 15)
    assert ((3000, DUE_ON),) == late(shop, order, 16)
    pay(shop, order, 1000, "bank-1")
    assert "partially_paid" == statuses(shop.load(order)).payment
    assert ((2000, DUE_ON),) == late(shop, order, 16)
    pay(shop, order, 2000, "bank-2")
    shop.rest(rounds=2)
    assert () == late(shop, order, 400)
    assert "paid" == statuses(shop.load(order)).payment
    assert 0 == shop.till.moved(Operation.AUTHORISE, order)
    assert (invoice,) == shop.load(order).documents
