"""The call of an intent has one body for ever (RULES PAY-2)."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from ordercore.ids import TenderId
from ordercore.payment.commands import RetryPayment
from ordercore.payment.model import Operation
from ordercore.service.requests import payment_call
from tests.laws.order_world import CARD, Fate, Shop, line

OTHER = RetryPayment(tender=CARD.id, instrument="tok_other")


def test_a_question_has_the_body_of_the_call() -> None:
    """Another instrument in the time of doubt does not change what is asked about."""
    shop = Shop()
    shop.receive("tea", 1)
    shop.till.fates.append(Fate.LOST_CALL)
    order = shop.place(line("tea", 1))
    (key,) = order.payment.operations
    before = payment_call(order, key)
    shop.clock.forward(timedelta(hours=1))
    after = shop.do(order.id, OTHER).order
    assert after.payment.tenders == (evolve(CARD, instrument="tok_other"),)
    assert before == payment_call(after, key)
    assert CARD == before.tender


def test_what_follows_an_authorisation_names_its_instrument() -> None:
    """A capture and a refund go to the instrument that was authorised, whatever came since."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    shop.do(order.id, OTHER)
    shop.send_all(order.id)
    (capture,) = [call for call in shop.till.calls if call.operation is Operation.CAPTURE]
    assert (TenderId("card"), "tok_visa") == (capture.tender.id, capture.tender.instrument)
