"""Money that is told twice: by the gateway, and by a person or a bank under the same reference."""

from __future__ import annotations

from itertools import permutations

import pytest

from ordercore.facts import Report, Request
from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import CreditId, Key, LineId, Reference
from ordercore.money import EUR
from ordercore.order.balance import balance
from ordercore.order.commands import Refund
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.balance import totals
from ordercore.payment.commands import (
    PaymentReport,
    RecordPayment,
    RecordRefund,
    ReportCollected,
    ReportOperation,
)
from ordercore.payment.decide import ReferenceReusedError
from ordercore.payment.model import Operation
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from tests.laws.order_world import CARD, Fate, Shop, eur, line
from tests.laws.payment_world import failure
from tests.laws.test_payment import INTENTS, OPERATIONS, REFERENCES, webhook
from tests.laws.test_waiting import CAPTURE, NAME, lived

REFUND = INTENTS[4]
AT_ONCE = Terms(payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))


def paid_at_once(*fates: Fate) -> tuple[Shop, Order]:
    """Ten euros that are captured as soon as they are set aside."""
    shop = Shop()
    shop.receive("a", 5)
    shop.till.fates.extend(fates)
    return shop, shop.place(line("a", 1), terms=AT_ONCE)


def last(order: Order, operation: Operation) -> Key:
    """The key of the latest operation of a kind."""
    return list(order.payment.of(operation))[-1].intent.key


def told_by_hand(shop: Shop, reference: Reference, minor: int = 1000) -> tuple[Request, Report]:
    """What a person, or a bank, says of the same money."""
    amount = eur(minor)
    return (
        RecordPayment(tender=CARD.id, amount=amount, reference=reference),
        ReportCollected(tender=CARD.id, amount=amount, reference=reference, at=shop.clock()),
    )


@pytest.mark.parametrize("nth", [0, 1])
def test_a_capture_that_was_recorded_first_is_the_same_money(nth: int) -> None:
    """PAY-3: nothing was overpaid, so nothing goes back, when the webhook comes after that."""
    shop, order = paid_at_once(Fate.FINE, Fate.LOST_ANSWER)
    key = last(order, Operation.CAPTURE)
    reference = Reference(f"ref-{key}")
    shop.do(order.id, told_by_hand(shop, reference)[nth])
    webhook = ReportOperation(
        operation=Operation.CAPTURE,
        reference=reference,
        amount=eur(1000),
        key=key,
        at=shop.clock(),
    )
    shop.do(order.id, webhook)
    shop.rest()
    sums = balance(shop.load(order.id)).totals
    assert (eur(1000), eur(0)) == (sums.captured, sums.refunded)
    assert 1000 == shop.till.held(order.id)


@pytest.mark.parametrize("nth", [0, 1])
def test_what_is_recorded_after_the_capture_is_the_same_money(nth: int) -> None:
    """PAY-3: the other way round nothing is written at all."""
    shop, order = paid_at_once()
    reference = Reference(f"ref-{last(order, Operation.CAPTURE)}")
    assert () == shop.do(order.id, told_by_hand(shop, reference)[nth]).events
    shop.rest()
    assert eur(1000) == balance(shop.load(order.id)).totals.captured
    assert 1000 == shop.till.held(order.id)


def test_another_amount_under_the_reference_of_a_capture() -> None:
    """A person is asked for another reference; what a bank tells is merged by maximum."""
    shop, order = paid_at_once()
    reference = Reference(f"ref-{last(order, Operation.CAPTURE)}")
    record, less = told_by_hand(shop, reference, 900)
    with pytest.raises(ReferenceReusedError):
        shop.do(order.id, record)
    assert () == shop.do(order.id, less).events
    _, more = told_by_hand(shop, reference, 1100)
    assert eur(1100) == balance(shop.do(order.id, more).order).totals.captured


def test_a_refund_that_was_recorded_is_the_same_money() -> None:
    """PAY-3: a refund in doubt that a person saw in the gateway's books goes out once."""
    shop, order = paid_at_once()
    shop.till.fates.append(Fate.LOST_ANSWER)
    kind = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(400))
    after = shop.do(order.id, Refund(quote=shop.service.quote_refund(order.id, kind))).order
    key = last(after, Operation.REFUND)
    reference = Reference(f"ref-{key}")
    webhook = ReportOperation(
        operation=Operation.REFUND, reference=reference, amount=eur(400), key=key, at=shop.clock()
    )
    shop.do(order.id, webhook)
    again = RecordRefund(tender=CARD.id, amount=eur(400), reference=reference)
    assert () == shop.do(order.id, again).events
    shop.rest()
    assert eur(400) == balance(shop.load(order.id)).totals.refunded
    assert 600 == shop.till.held(order.id)


def test_money_that_was_told_twice_and_taken_back_is_gone() -> None:
    """PAY-3, PAY-6: in whatever order a bank tells of it, and takes it back, nothing is held."""
    facts: list[PaymentReport] = [
        webhook(CAPTURE, percent=100, named=True),
        ReportCollected(tender=CARD.id, amount=CAPTURE.amount, reference=NAME, at=CAPTURE.at),
        failure(Operation.CAPTURE, NAME),
    ]
    for told in permutations([*facts, facts[1]]):
        assert eur(0) == totals(lived([*OPERATIONS, *told]), EUR).captured


def test_a_recorded_refund_that_the_bank_sends_back_was_none() -> None:
    """PAY-6: whether a person or the gateway told of it first, it is owed again."""
    name = REFERENCES[REFUND.key]
    facts = [
        RecordRefund(tender=CARD.id, amount=REFUND.amount, reference=name),
        webhook(REFUND, percent=100, named=True),
    ]
    captured = webhook(CAPTURE, percent=100, named=True)
    for told in permutations(facts):
        state = lived([*OPERATIONS, captured, *told])
        assert REFUND.amount == totals(state, EUR).refunded
        state = lived([*OPERATIONS, captured, *told, failure(Operation.REFUND, name)])
        assert eur(0) == totals(state, EUR).refunded


def test_what_was_taken_back_is_recorded_under_a_name_of_its_own() -> None:
    """PAY-6: a person who has the money after all is asked for another reference."""
    shop, order = paid_at_once()
    reference = Reference(f"ref-{last(order, Operation.CAPTURE)}")
    shop.do(order.id, failure(Operation.CAPTURE, reference))
    record, collected = told_by_hand(shop, reference)
    before = balance(shop.load(order.id)).totals.captured
    with pytest.raises(ReferenceReusedError):
        shop.do(order.id, record)
    assert () == shop.do(order.id, collected).events
    assert before == balance(shop.load(order.id)).totals.captured


@pytest.mark.parametrize("is_first", [True, False])
def test_our_own_capture_told_by_hand_is_claimed_no_earlier(*, is_first: bool) -> None:
    """RF-1, PAY-4: what was captured for a unit that is credited goes back, whoever told of it."""
    shop = Shop()
    shop.receive("a", 5)
    order = shop.place(line("a", 2))
    shop.till.fates.append(Fate.LOST_ANSWER)
    parcel = shop.pack(order.id, most=1)
    assert parcel is not None
    after = shop.do(order.id, Dispatch(parcel=parcel)).order
    _, collected = told_by_hand(shop, Reference(f"ref-{last(after, Operation.CAPTURE)}"))
    if is_first:
        shop.do(order.id, collected)
    shop.rest()
    shop.do(order.id, collected)
    claim = RefundRequest(
        id=CreditId("broken"),
        cause=CreditCause.CLAIM,
        items=(RefundItem(line=LineId("a"), slots=SlotSet.of(0, 1)),),
    )
    shop.do(order.id, Refund(quote=shop.service.quote_refund(order.id, claim)))
    shop.rest()
    assert 0 == shop.till.held(order.id)


def refund_in_doubt(*fates: Fate) -> tuple[Shop, Order]:
    """Four of ten euros go back, and nobody knows whether they did."""
    shop, order = paid_at_once()
    shop.till.fates.extend(fates)
    kind = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(400))
    return shop, shop.do(order.id, Refund(quote=shop.service.quote_refund(order.id, kind))).order


def test_a_refund_in_doubt_that_a_person_records_is_charged_to_nobody() -> None:
    """PAY-3: it was taken for a second refund, and four euros were captured for it."""
    shop, order = refund_in_doubt(Fate.LOST_ANSWER)
    reference = Reference(f"ref-{last(order, Operation.REFUND)}")
    shop.do(order.id, RecordRefund(tender=CARD.id, amount=eur(400), reference=reference))
    shop.rest()
    assert 1000 == shop.till.moved(Operation.CAPTURE, order.id)
    assert 1000 == shop.till.moved(Operation.AUTHORISE, order.id)
    assert 600 == shop.till.held(order.id)
    assert eur(400) == balance(shop.load(order.id)).totals.refunded


def test_cash_instead_of_a_refund_in_doubt_is_charged_to_nobody() -> None:
    """PAY-3, RF-6: a person gives the money back, and says that the refund never happened."""
    shop, order = refund_in_doubt(*[Fate.LOST_CALL] * 9)
    cash = RecordRefund(tender=CARD.id, amount=eur(400), reference=Reference("till-7"))
    shop.do(order.id, cash)
    shop.rest()
    assert (1000, 0) == tuple(
        shop.till.moved(kind, order.id) for kind in (Operation.CAPTURE, Operation.REFUND)
    )
    after = shop.load(order.id)
    assert 1 == len(list(after.payment.of(Operation.AUTHORISE)))
    sums = balance(after)
    assert (eur(400), eur(0)) == (sums.totals.refunded, sums.to_pay_back)


def test_two_refunds_are_two_as_soon_as_both_have_names() -> None:
    """RF-1: more went back than was owed, which is owed again."""
    shop, order = refund_in_doubt(Fate.LOST_ANSWER)
    cash = RecordRefund(tender=CARD.id, amount=eur(300), reference=Reference("till-7"))
    shop.do(order.id, cash)
    assert 1000 == shop.till.moved(Operation.CAPTURE, order.id)
    shop.rest()
    assert 1300 == shop.till.moved(Operation.CAPTURE, order.id)
    assert eur(600) == balance(shop.load(order.id)).held


def test_nor_is_it_captured_from_what_stands_for_the_rest() -> None:
    """PAY-3, PAY-4: there is cover for the unit that has not left, and none of it is taken."""
    shop = Shop()
    shop.receive("a", 5)
    order = shop.place(line("a", 2))
    parcel = shop.pack(order.id, most=1)
    assert parcel is not None
    shop.do(order.id, Dispatch(parcel=parcel))
    shop.till.fates.append(Fate.LOST_ANSWER)
    kind = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(400))
    order = shop.do(order.id, Refund(quote=shop.service.quote_refund(order.id, kind))).order
    reference = Reference(f"ref-{last(order, Operation.REFUND)}")
    shop.do(order.id, RecordRefund(tender=CARD.id, amount=eur(400), reference=reference))
    shop.rest()
    assert 600 == shop.till.held(order.id)
    assert 1000 == shop.till.moved(Operation.CAPTURE, order.id)
