"""Shares of tenders, and what may go back of them, where one has less than nothing left."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import Reference, TenderId
from ordercore.money import EUR
from ordercore.payment.balance import shares, totals
from ordercore.payment.commands import RecordPayment
from ordercore.payment.events import RefundRecorded
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.intents import next_intents
from ordercore.payment.model import DisputeStatus, Operation, Tender, TenderKind
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import START, Fate, Shop, Wishes, dispute, euro, with_wishes

THREE = ("one", "two", "three")


def paid_by_three() -> Shop:
    """30.00, a third from each card."""
    tenders = tuple(Tender(id=TenderId(name), amount=euro(1_000)) for name in THREE)
    wishes = Wishes(owed=3_000, claimable=3_000)
    shop = Shop(state=PaymentState(tenders=tenders), wishes=wishes)
    shop.work()
    assert 3_000 == shop.gateway.moved(Operation.CAPTURE)
    return shop


def disputed(shop: Shop, name: str, status: DisputeStatus = DisputeStatus.LOST) -> None:
    """A bank asks for all that a card brought."""
    (capture,) = (
        found for found in shop.state.of(Operation.CAPTURE) if found.intent.tender == name
    )
    assert capture.reference is not None
    shop.tell(dispute(status, capture.reference, hours=1, minor=1_000))


def gone(state: PaymentState, tender: str, minor: int) -> PaymentState:
    """So much went out under a tender, as when another order takes it over."""
    fact: Event = RefundRecorded(
        tender=TenderId(tender), amount=euro(minor), reference=Reference("to-o-2"), at=START
    )
    return reduce(evolve_payment, [fact], state)


def test_the_ceiling_over_all_tenders_is_used_up_once() -> None:
    """RF-5: a card that gave back and was charged back lowers what all others may give, in all."""
    shop = paid_by_three()
    with_wishes(shop, owed=2_000, claimable=2_000)
    shop.work()
    (back,) = shop.state.of(Operation.REFUND)
    disputed(shop, str(back.intent.tender))
    left = [TenderId(name) for name in THREE if name != back.intent.tender]
    assert 1_000 == shop.state.book.total.refundable
    assert [1_000, 1_000] == [shop.state.book.of(tender).refundable for tender in left]
    basis = evolve(shop.basis, refund_plan=tuple((tender, euro(1_000)) for tender in left))
    intents = next_intents(
        shop.state, shop.now, basis=basis, policy=shop.policy, capabilities=shop.capabilities
    )
    assert [1_000] == [one.amount.minor for one in intents if one.operation is Operation.REFUND]


@pytest.mark.parametrize("status", [DisputeStatus.OPENED, DisputeStatus.LOST])
def test_what_a_bank_has_is_not_what_was_passed_on(status: DisputeStatus) -> None:
    """RF-5: what another order took over came from the cards that still had it."""
    shop = paid_by_three()
    shop.state = evolve(shop.state, tenders=(*shop.state.tenders, Tender(id=TenderId("x"))))
    for name in ("one", "two"):
        disputed(shop, name, status)
    state = gone(shop.state, "x", 1_000)
    assert euro(0) == totals(state, EUR).refundable
    assert 0 == sum(state.book.of(tender.id).refundable for tender in state.tenders)
    assert 1_000 == state.book.of(TenderId("three")).passed_on


def test_what_fades_is_kept_until_something_else_covers() -> None:
    """PAY-4: while nothing has taken its place it can still be captured."""
    shop = Shop(state=PaymentState(tenders=(Tender(id=TenderId("card")),)))
    shop.policy = PaymentPolicy(renew_before=timedelta(days=2))
    shop.work()
    shop.wait(60 * 24 * 6)
    shop.step()
    shop.step([Fate.DECLINED])
    assert () == shop.intend()
    assert euro(10_000) == totals(shop.state, EUR).authorised


def test_what_came_in_beyond_its_part_is_not_asked_of_the_others() -> None:
    """PAY-4: a transfer of 10.00 where 7.00 was agreed leaves 30.00 of 40.00 to the card."""
    bank = Tender(id=TenderId("bank"), kind=TenderKind.BANK_TRANSFER, amount=euro(700))
    card = Tender(id=TenderId("card"))
    shop = Shop(state=PaymentState(tenders=(bank, card)), wishes=Wishes(owed=4_000))
    shop.work()
    shop.tell(RecordPayment(tender=bank.id, amount=euro(1_000), reference=Reference("t")))
    assert {bank.id: 1_000, card.id: 3_000} == shares(shop.state, euro(4_000))
    with_wishes(shop, claimable=4_000)
    shop.work()
    assert 3_000 == shop.gateway.moved(Operation.CAPTURE)
    assert 300 == shop.gateway.moved(Operation.VOID)


def test_each_tender_lets_go_of_what_is_beyond_its_own_share() -> None:
    """PAY-3: a card that was asked twice keeps its part, though another one holds enough."""
    rest, fixed = Tender(id=TenderId("rest")), Tender(id=TenderId("fixed"), amount=euro(2_000))
    shop = Shop(state=PaymentState(tenders=(rest, fixed)), wishes=Wishes(owed=1_000))
    shop.capabilities = Capabilities(partial_void=True)
    shop.work()
    with_wishes(shop, owed=4_000)
    shop.work()
    with_wishes(shop, owed=1_500)
    assert {"fixed": 500, "rest": 2_000} == {
        str(intent.tender): intent.amount.minor for intent in shop.intend()
    }
