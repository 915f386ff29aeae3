"""What a shop believes about its money when somebody else, or a person, lets go of it."""

from __future__ import annotations

import json

import pytest

from ordercore.fulfilment._basis import NotShippableError
from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.integrations.payments import KEY_FIELD, read_stripe, report_of
from ordercore.order.model import Order
from ordercore.payment.answers import ActionRequired, Answer, Declined, DeclineKind, Pending
from ordercore.payment.commands import (
    AddTender,
    PaymentReport,
    ReportAnswer,
    ReportOperation,
    RetryPayment,
    VoidAuthorisation,
)
from ordercore.payment.model import Operation, OperationState, OperationStatus, Tender
from tests.laws.order_world import CARD, Fate, Shop, eur, line


def shop_of(units: int) -> Shop:
    """A shop with so much tea."""
    shop = Shop()
    shop.receive("tea", units)
    return shop


def authorisation(order: Order) -> OperationState:
    """The first authorisation of an order."""
    return next(order.payment.of(Operation.AUTHORISE))


def cancelled_at_stripe(shop: Shop, order: Order, key: Key | None = None) -> PaymentReport:
    """What Stripe says of a payment intent that was cancelled in its dashboard."""
    intent = {
        "id": authorisation(order).reference,
        "object": "payment_intent",
        "status": "canceled",
        "amount": 5000,
        "currency": "eur",
        "created": int(shop.clock().timestamp()),
        "metadata": {} if key is None else {KEY_FIELD: key},
    }
    (fact,) = read_stripe(json.dumps(intent))
    report = report_of(fact, CARD.id)
    assert report is not None
    return report


@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_void_made_at_the_gateway_ends_the_authorisation(is_keyed: bool) -> None:
    """PAY-6: whoever voids, the authorisation that the report names covers nothing any more."""
    shop = shop_of(5)
    order = shop.place(line("tea", 5))
    parcel = shop.pack(order.id)
    assert parcel is not None
    shop.till.fates.append(Fate.DECLINED)
    key = authorisation(order).intent.key if is_keyed else None
    after = shop.do(order.id, cancelled_at_stripe(shop, order, key)).order
    assert () == after.payment.waiting
    assert OperationStatus.EXPIRED is authorisation(after).status
    assert 0 == after.payment.book.total.authorised
    with pytest.raises(NotShippableError):
        shop.do(order.id, Dispatch(parcel=parcel))


def test_a_void_that_is_heard_of_first_ends_the_authorisation_later() -> None:
    """PAY-6: a void by reference waits until the authorisation that it names is known."""
    shop = shop_of(5)
    shop.till.fates.append(Fate.LOST_ANSWER)
    order = shop.place(line("tea", 5))
    found = authorisation(order).intent
    void = ReportOperation(
        operation=Operation.VOID,
        reference=Reference(f"ref-{found.key}"),
        amount=eur(5000),
        at=shop.clock(),
    )
    assert 1 == len(shop.do(order.id, void).order.payment.waiting)
    done = ReportOperation(
        operation=Operation.AUTHORISE,
        reference=void.reference,
        amount=eur(5000),
        key=found.key,
        at=shop.clock(),
    )
    shop.till.fates.append(Fate.DECLINED)
    receipt = shop.do(order.id, done)
    assert () == receipt.order.payment.waiting
    assert OperationStatus.EXPIRED is authorisation(receipt.order).status


def voided() -> tuple[Shop, OrderId]:
    """A shop where somebody has let go of the card, and some time has passed."""
    shop = shop_of(5)
    order = shop.place(line("tea", 5)).id
    shop.do(order, VoidAuthorisation(tender=CARD.id))
    shop.rest(rounds=3)
    return shop, order


def test_what_a_person_voided_is_not_authorised_again() -> None:
    """PAY-5: a void by hand stands; nothing is asked of this card until somebody says so."""
    shop, order = voided()
    assert 5000 == shop.till.moved(Operation.AUTHORISE, order)
    assert 5000 == shop.till.moved(Operation.VOID, order)
    assert 0 == shop.load(order).payment.book.total.authorised


def test_a_voided_tender_is_authorised_again_when_somebody_says_so() -> None:
    """PAY-5: RetryPayment gives it another chance, with the same instrument too."""
    shop, order = voided()
    after = shop.do(order, RetryPayment(tender=CARD.id)).order
    assert 5000 == after.payment.book.of(CARD.id).authorised
    shop.do(order, VoidAuthorisation(tender=CARD.id))
    shop.rest(rounds=3)
    assert 0 == shop.load(order).payment.book.total.authorised


def test_another_tender_takes_over_from_a_voided_one() -> None:
    """PAY-5: a tender that is added pays instead, and the voided one stays as it is."""
    shop, order = voided()
    other = Tender(id=TenderId("other"), instrument="tok_other")
    after = shop.do(order, AddTender(tender=other)).order
    assert 5000 == after.payment.book.of(other.id).authorised
    assert 0 == after.payment.book.of(CARD.id).authorised


def told_late(answer: Answer) -> tuple[OperationState, ...]:
    """What became of two cards, when the first answers only after the client took the second."""
    shop = shop_of(5)
    shop.till.fates.append(Fate.LOST_CALL)
    order = shop.place(line("tea", 5))
    first = authorisation(order).intent.key
    waits = Pending(reference=Reference("r"))
    shop.do(order.id, ReportAnswer(key=first, answer=waits, at=shop.clock()))
    shop.do(order.id, RetryPayment(tender=CARD.id, instrument="tok_other"))
    shop.do(order.id, ReportAnswer(key=first, answer=answer, at=shop.clock()))
    return tuple(shop.load(order.id).payment.of(Operation.AUTHORISE))


@pytest.mark.parametrize("kind", DeclineKind)
def test_a_late_decline_of_the_old_card_does_not_stop_the_new_one(kind: DeclineKind) -> None:
    """PAY-5: declines count per instrument, whenever they are told."""
    first, second = told_late(Declined(kind=kind))
    assert (OperationStatus.DECLINED, kind) == (first.status, first.decline)
    assert OperationStatus.SUCCEEDED is second.status
    assert second.tender is not None
    assert "tok_other" == second.tender.instrument


def test_a_late_wish_of_the_old_bank_does_not_stop_the_new_card() -> None:
    """PAY-5: the client need not confirm what another card has taken the place of."""
    wish = ActionRequired(reference=Reference("r"), action="confirm at the bank")
    first, second = told_late(wish)
    assert first.is_abandoned
    assert OperationStatus.SUCCEEDED is second.status
