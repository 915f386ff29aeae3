"""Which tender brings what, where the plan and what is set aside have come apart (PAY-4)."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest

from ordercore.fulfilment.commands import ReleaseFulfilment
from ordercore.ids import CreditId, Key, LineId, OrderId, TenderId
from ordercore.order.balance import balance
from ordercore.order.commands import CancelUnits, Refund
from ordercore.order.dues import tender_dues
from ordercore.order.status import statuses
from ordercore.order.terms import Terms
from ordercore.payment.commands import AddTender
from ordercore.payment.model import STORE_VALUE, Operation, Tender, TenderKind
from ordercore.payment.policy import Capabilities
from ordercore.payment.store_value import IssueValue
from ordercore.refund.model import CreditCause, RefundRequest
from tests.laws.order_world import ACCOUNT, CARD, Fate, Shop, Till, eur, gift, line

SLOWLY = Terms(release_automatically=False)
SECOND = Tender(id=TenderId("second"), instrument="tok_other", amount=eur(700))
TRANSFER = Tender(id=TenderId("bank"), kind=TenderKind.BANK_TRANSFER, amount=eur(700))
STORED = Tender(
    id=TenderId("stored"),
    kind=TenderKind.GIFT_CARD,
    amount=eur(700),
    gateway=STORE_VALUE,
    instrument="ga",
)
PAIR = (
    Tender(id=TenderId("a"), instrument="tok_a", amount=eur(1000)),
    Tender(id=TenderId("b"), instrument="tok_b"),
)


def shop_of(units: int, able: Capabilities | None = None) -> Shop:
    """A shop with so much tea, and 7.00 in an account."""
    shop = Shop(till=Till(able=able or Capabilities()))
    shop.receive("tea", units)
    shop.service.credit.execute("ga", IssueValue(key=Key("sold"), amount=eur(700)))
    return shop


def moves(shop: Shop, operation: Operation) -> list[tuple[str, int]]:
    """What the till was asked of one kind, tender by tender."""
    calls = (call for call in shop.till.calls if call.operation is operation)
    return [(str(call.tender.id), call.amount.minor) for call in calls]


def assert_paid(shop: Shop, order: OrderId) -> None:
    """Once all is at rest everything is paid, nothing stays live, and nobody is asked for more."""
    shop.rest(rounds=10, step=timedelta(days=1))
    after = shop.load(order)
    sums = balance(after)
    assert (sums.owed, eur(0)) == (sums.held, sums.totals.authorised)
    assert "paid" == statuses(after).payment
    assert all(one.open == eur(0) for one in tender_dues(after))


@pytest.mark.parametrize("late", [gift(700), STORED, SECOND, TRANSFER], ids=lambda one: one.id)
def test_a_tender_that_comes_when_all_is_covered_is_waited_for_by_nobody(late: Tender) -> None:
    """PAY-4: goods went, 7.00 was live, and 33.00 of 40.00 was captured."""
    shop = shop_of(4)
    order = shop.place(line("tea", 4), terms=SLOWLY).id
    shop.do(order, AddTender(tender=late))
    shop.rest(rounds=3)
    assert [] == moves(shop, Operation.CAPTURE), "nothing has left yet"
    shop.do(order, CancelUnits(units=((LineId("tea"), 1),)))
    release(shop, order)
    shop.send_all(order, deliver=True)
    assert_paid(shop, order)
    assert [("card", 3000)] == moves(shop, Operation.CAPTURE)


def release(shop: Shop, order: OrderId) -> None:
    """Work begins."""
    for work in shop.load(order).fulfilment.open_orders:
        shop.do(order, ReleaseFulfilment(fulfilment=work.id))


def test_who_promises_to_pay_later_is_still_asked() -> None:
    """PAY-7: an account of 7.00 that is added later pays 7.00, though the card covered all."""
    shop = shop_of(4)
    order = shop.place(line("tea", 4), terms=SLOWLY).id
    later = Tender(id=ACCOUNT.id, kind=TenderKind.ON_ACCOUNT, amount=eur(700))
    shop.do(order, AddTender(tender=later))
    release(shop, order)
    shop.send_all(order, deliver=True)
    shop.rest(rounds=3)
    after = shop.load(order)
    assert [("card", 3300)] == moves(shop, Operation.CAPTURE)
    assert [("card", 700)] == moves(shop, Operation.VOID)
    assert [eur(0), eur(700)] == [one.open for one in tender_dues(after)]


@pytest.mark.parametrize("second", [SECOND, gift(700)], ids=lambda one: one.id)
def test_a_cancel_lets_go_of_what_is_beyond_the_plan(second: Tender) -> None:
    """PAY-3: the second card was voided because it fitted, and 7.00 was never taken."""
    shop = shop_of(4)
    order = shop.place(line("tea", 4), tenders=(CARD, second), terms=SLOWLY).id
    shop.do(order, CancelUnits(units=((LineId("tea"), 1),)))
    assert [] == moves(shop, Operation.VOID)
    release(shop, order)
    shop.send_all(order, deliver=True)
    assert_paid(shop, order)
    assert {("card", 2300), (str(second.id), 700)} == set(moves(shop, Operation.CAPTURE))
    assert [("card", 1000)] == moves(shop, Operation.VOID)


def test_one_surplus_is_let_go_once() -> None:
    """PAY-3: both cards were voided for a cancel of 10.00, and the order was unpaid."""
    shop = shop_of(2)
    order = shop.place(line("tea", 2), tenders=PAIR, terms=SLOWLY).id
    shop.till.fates = deque([Fate.FINE, Fate.DECLINED, Fate.DECLINED])
    after = shop.do(order, CancelUnits(units=((LineId("tea"), 1),))).order
    assert [("b", 1000)] == moves(shop, Operation.VOID)
    assert eur(1000) == balance(after).totals.authorised


@pytest.mark.parametrize("partial_capture", [True, False])
def test_a_part_of_the_surplus_is_let_go_once(*, partial_capture: bool) -> None:
    """PAY-3: 3.00 went from each card; and what is left of an authorisation is a whole (PAY-2)."""
    able = Capabilities(partial_void=True, partial_capture=partial_capture)
    shop = shop_of(2, able)
    order = shop.place(line("tea", 2), tenders=PAIR, terms=SLOWLY).id
    kind = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(300))
    shop.do(order, Refund(quote=shop.service.quote_refund(order, kind)))
    assert [("b", 300)] == moves(shop, Operation.VOID)
    release(shop, order)
    shop.send_all(order, deliver=True)
    assert_paid(shop, order)
    assert 2 == len(moves(shop, Operation.AUTHORISE))
