"""Every kind of tender pays an order, each in its own way (RULES PAY-1, PAY-7)."""

from __future__ import annotations

from typing import Final

import pytest

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.order.model import Order
from ordercore.order.status import statuses
from ordercore.payment.balance import totals
from ordercore.payment.commands import ReportCollected
from ordercore.payment.model import STORE_VALUE, Operation, Tender, TenderKind
from ordercore.payment.store_value import IssueValue
from tests.laws.order_world import STAFF, Shop, eur, line

_K = TenderKind
ACCOUNT: Final = "own-1"
AT_GATEWAY: Final = {
    _K.CARD: "authorised",
    _K.WALLET: "authorised",
    _K.GIFT_CARD: "paid",
    _K.STORE_CREDIT: "paid",
    _K.POINTS: "paid",
}
"""Whose money the gateway moves, and what the order says before anything has gone."""
AT_ACCOUNT: Final = (_K.GIFT_CARD, _K.STORE_CREDIT, _K.POINTS, _K.EXCHANGE_CREDIT)
RECORDED: Final = (_K.BANK_TRANSFER, _K.CASH, _K.MANUAL)
LATER: Final = (_K.CASH_ON_DELIVERY, _K.ON_ACCOUNT)


def axes(order: Order) -> tuple[str, str]:
    found = statuses(order)
    return found.order, found.payment


def placed(shop: Shop, kind: TenderKind, *, gateway: str = "default") -> Order:
    shop.receive("tea", 2)
    tender = Tender(id=TenderId("one"), kind=kind, gateway=gateway, instrument=ACCOUNT)
    return shop.place(line("tea", 2), tenders=(tender,))


def collected(shop: Shop, order: OrderId) -> Order:
    """All of it came in outside."""
    came = ReportCollected(
        tender=TenderId("one"), amount=eur(2000), reference=Reference("slip-1"), at=shop.clock()
    )
    shop.do(order, came)
    return shop.do(order, came).order


def is_one_ledger(order: Order) -> bool:
    """Whether what the tender took is what the order took: 20.00."""
    own = totals(order.payment, eur(0).currency, tender=TenderId("one")).captured
    return own == totals(order.payment, eur(0).currency).captured == eur(2000)


def test_every_kind_stands_in_a_table() -> None:
    """A new kind must be paid here too."""
    assert set(TenderKind) == {*AT_GATEWAY, *AT_ACCOUNT, *RECORDED, *LATER}


@pytest.mark.parametrize("kind", AT_GATEWAY, ids=str)
def test_a_gateway_moves_it(kind: TenderKind) -> None:
    """Cards and wallets are taken with the goods; what is prepaid is taken once confirmed."""
    shop = Shop()
    order = placed(shop, kind)
    assert ("confirmed", AT_GATEWAY[kind]) == axes(order)
    sent = shop.send_all(order.id)
    assert ("fulfilled", "paid") == axes(sent)
    assert is_one_ledger(sent)
    assert 2000 == shop.till.moved(Operation.CAPTURE, order.id)


@pytest.mark.parametrize("kind", AT_ACCOUNT, ids=str)
def test_an_account_pays_it(kind: TenderKind) -> None:
    """PAY-1: value of the shop's own is taken in the order's commits; no gateway is asked."""
    shop = Shop()
    lot = IssueValue(key=Key("lot-1"), amount=eur(2500))
    shop.service.credit.execute(ACCOUNT, lot, by=STAFF)
    order = placed(shop, kind, gateway=STORE_VALUE)
    assert ("confirmed", "paid") == axes(order)
    assert is_one_ledger(order)
    assert eur(500) == shop.service.credit.account(ACCOUNT).available(shop.clock())
    assert 0 == shop.till.moved(Operation.CAPTURE, order.id)


@pytest.mark.parametrize("kind", RECORDED, ids=str)
def test_it_is_recorded_when_it_comes(kind: TenderKind) -> None:
    """PAY-7: the order waits for the money; told twice it counts once."""
    shop = Shop()
    order = placed(shop, kind)
    assert ("placed", "unpaid") == axes(order)
    paid = collected(shop, order.id)
    assert ("confirmed", "paid") == axes(paid)
    assert is_one_ledger(paid)


@pytest.mark.parametrize("kind", LATER, ids=str)
def test_goods_go_before_it_is_paid(kind: TenderKind) -> None:
    """PAY-7, S: shipped and deferred; `Collected` captures it, once."""
    shop = Shop()
    order = placed(shop, kind)
    assert ("confirmed", "deferred") == axes(order)
    sent = shop.send_all(order.id, deliver=True)
    assert ("delivered", "deferred") == axes(sent)
    paid = collected(shop, order.id)
    assert ("delivered", "paid") == axes(paid)
    assert is_one_ledger(paid)
