from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from ordercore.facts import Event
from ordercore.ids import CreditId, LineId, OrderId, StreamId
from ordercore.invoice.events import DocumentIssued
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order.evolve import ImpossibleHistoryError, replay
from ordercore.order.quote import StaleQuoteError
from ordercore.payment.events import OperationIntended, OperationSucceeded
from ordercore.ports.repositories import StoredStream
from ordercore.ports.unit_of_work import CorruptStreamError
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, InvalidRefundError, RefundItem, RefundRequest
from tests.laws.order_world import Shop, line

TEA: Final = LineId("tea")


def _asked(name: str, slot: int) -> RefundRequest:
    item = RefundItem(line=TEA, slots=SlotSet.of(slot, slot + 1))
    return RefundRequest(id=CreditId(name), cause=CreditCause.CLAIM, items=(item,))


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A shop with an order that was sent and credited once, and another one."""
    made = Shop()
    made.receive("tea", 10)
    order = made.place(line("tea", 3))
    made.send_all(order.id, deliver=True)
    quote = made.service.quote_refund(order.id, _asked("g", 0))
    made.do(order.id, oc.Refund(quote=quote))
    made.place(line("tea", 1))
    return made


def _facts(shop: Shop) -> list[Event]:
    stream = StreamId(shop.orders[0])
    return [fact for commit in shop.store.history(stream) for fact in commit.events[stream]]


@pytest.mark.parametrize(
    "kind", [ev.OrderConfirmed, ev.CreditGranted, DocumentIssued, OperationIntended]
)
def test_what_is_true_once_cannot_stand_twice(shop: Shop, kind: type[Event]) -> None:
    """ABUSE 61: a legal fact a second time is an impossible history, named with its version."""
    facts = _facts(shop)
    replay(facts)
    again = next(fact for fact in facts if type(fact) is kind)
    with pytest.raises(ImpossibleHistoryError) as caught:
        replay([*facts, again])
    assert len(facts) + 1 == caught.value.version
    with pytest.raises(ImpossibleHistoryError):
        replay([again], replay(facts))


def test_no_payment_succeeds_that_was_not_intended(shop: Shop) -> None:
    """ABUSE 61: an answer without its intent is an impossible history."""
    facts = _facts(shop)
    first = next(at for at, fact in enumerate(facts) if type(fact) is OperationSucceeded)
    without = [fact for fact in facts[:first] if type(fact) is not OperationIntended]
    with pytest.raises(ImpossibleHistoryError, match="not intended"):
        replay([*without, facts[first]])


def test_a_credit_id_is_used_once() -> None:
    """RF-2: two quotes under one id give one credit, and its id cannot be quoted again."""
    shop = Shop()
    shop.receive("tea", 3)
    name = shop.place(line("tea", 3)).id
    shop.send_all(name, deliver=True)
    first, second = (shop.service.quote_refund(name, _asked("g", slot)) for slot in (0, 1))
    shop.do(name, oc.Refund(quote=first))
    with pytest.raises(StaleQuoteError) as caught:
        shop.do(name, oc.Refund(quote=second))
    assert "g" != caught.value.quote.request.id
    with pytest.raises(InvalidRefundError):
        shop.service.quote_refund(name, _asked("g", 2))
    assert ["g"] == [credit.id for credit in shop.load(name).credits]


def test_the_facts_of_another_order_are_not_read(shop: Shop) -> None:
    """ABUSE 60: facts that stand in the row of another order are a corrupt stream."""
    mine, other = (StreamId(name) for name in shop.orders)
    whole = shop.store.load

    def load(stream: StreamId) -> StoredStream:
        return whole(other if stream == mine else stream)

    calls: list[Callable[[], object]] = [
        lambda: shop.service.load(OrderId(mine)),
        lambda: shop.service.execute(OrderId(mine), oc.AddNote(text="x")),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.store, "load", load)
        for call in calls:
            with pytest.raises(CorruptStreamError) as caught:
                call()
            assert mine == caught.value.stream
