"""A preview refuses what the call itself would refuse, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ordercore.errors import OrderCoreError
from ordercore.facts import Request
from ordercore.ids import CreditId, LineId, OrderId
from ordercore.inventory.commands import CountedLine, CountStock
from ordercore.inventory.model import OutOfStockError
from ordercore.order import commands as oc
from ordercore.order.model import Order
from ordercore.order.refusals import TendersDoNotFitError
from ordercore.order.terms import Terms
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from tests.laws.order_world import CARD, NORTH, STAFF, Shop, basket, gift, line

TEA = LineId("tea")
PART = OrderId("part")


def split_of(shop: Shop) -> tuple[Order, Request]:
    """A part whose gift card pays more than the part costs."""
    order = shop.place(line("tea", 4), terms=Terms(release_automatically=False))
    tenders = (gift(5000), CARD)
    return order, oc.SplitOrder(order=PART, units=((TEA, 1),), tenders=tenders)


def exchange_of(shop: Shop) -> tuple[Order, Request]:
    """Another cup for the one that was sent, and there is none."""
    shop.receive("cup", 1)
    order = shop.place(line("cup", 1))
    shop.send_all(order.id, deliver=True)
    item = RefundItem(line=LineId("cup"), slots=SlotSet.of(0, 1))
    request = RefundRequest(id=CreditId("c-1"), cause=CreditCause.CLAIM, items=(item,))
    quote = shop.service.quote_refund(order.id, request)
    return order, oc.ExchangeGoods(order=PART, priced=basket(line("cup", 1)), quote=quote)


@pytest.mark.parametrize(
    ("case", "error"), [(split_of, TendersDoNotFitError), (exchange_of, OutOfStockError)]
)
def test_a_preview_refuses_the_order_that_would_be_made(
    case: Callable[[Shop], tuple[Order, Request]], error: type[OrderCoreError]
) -> None:
    """O-7, R-5: only the older order was decided, so the new one's refusal came by surprise."""
    shop = Shop()
    shop.receive("tea", 4)
    order, command = case(shop)
    before = shop.load(order.id)
    with pytest.raises(error) as seen:
        shop.service.preview(order.id, command)
    with pytest.raises(error) as done:
        shop.do(order.id, command)
    assert str(done.value) == str(seen.value)
    assert before == shop.load(order.id)


def test_a_preview_shows_what_the_call_then_does() -> None:
    """O-7: the facts and the order are those of the call; nothing was written before it."""
    shop = Shop()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4), terms=Terms(release_automatically=False))
    command = oc.SplitOrder(order=PART, units=((TEA, 1),), tenders=(CARD,))
    seen = shop.service.preview(order.id, command)
    assert order == shop.load(order.id)
    events = shop.do(order.id, command).events
    assert [type(event) for event in seen.events] == [type(event) for event in events]
    assert 1 == shop.load(PART).units.ordered


def test_a_preview_knows_what_others_did_to_the_stock() -> None:
    """I-6: units that a count took from the order were there in the preview, and in no call."""
    shop = Shop()
    shop.receive("tea", 4)
    order = shop.place(line("tea", 4), terms=Terms(release_automatically=False))
    row = CountedLine(item=line("tea", 1).item, location=NORTH, counted=1)
    shop.service.stock.execute(CountStock(lines=(row,), reason="stock-take"), by=STAFF)
    note = oc.AddNote(text="who was that?")
    seen = shop.service.preview(order.id, note)
    after = shop.do(order.id, note)
    assert [type(event) for event in seen.events] == [type(event) for event in after.events]
    assert 1 == seen.order.stock.reserved(TEA) == after.order.stock.reserved(TEA)
