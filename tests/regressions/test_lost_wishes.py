"""What a person asked for and what never reached the gateway is asked for again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordercore.facts import Request
from ordercore.fulfilment._basis import NotShippableError
from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import HoldKind, ParcelId, TenderId
from ordercore.order.balance import balance
from ordercore.order.commands import PlaceHold, ReleaseHold
from ordercore.order.model import Order
from ordercore.order.terms import Blocks, Terms
from ordercore.payment.commands import AddTender, CaptureNow, RetryPayment, VoidAuthorisation
from ordercore.payment.model import Operation, Tender
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from tests.laws.order_world import CARD, Fate, Shop, eur, line

BY_HAND = Terms(payment=PaymentPolicy(capture=CaptureWhen.MANUAL))
VOID = VoidAuthorisation(tender=CARD.id)
LATE = timedelta(hours=2)
REVIEW = HoldKind("review")


def sold(
    terms: Terms | None = None, *, lifetime: timedelta = timedelta(days=7)
) -> tuple[Shop, Order]:
    """A shop that has sold five for 50.00."""
    shop = Shop()
    shop.till.able = Capabilities(authorisation_lifetime=lifetime)
    shop.receive("tea", 5)
    return shop, shop.place(line("tea", 5), terms=terms)


def asked_in_vain(shop: Shop, order: Order, wish: Request, *, times: int = 1) -> Order:
    """The call is lost, and nobody looks until it may not be sent any more; so many times."""
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, wish)
    for left in range(times, 0, -1):
        shop.clock.forward(LATE)
        shop.till.fates.extend([Fate.LOST_CALL] if left > 1 else [])
        shop.service.run_due(limit=50)
    return shop.load(order.id)


def dispatched(shop: Shop, order: Order) -> ParcelId:
    """All of it leaves."""
    parcel = shop.pack(order.id)
    assert parcel is not None
    shop.do(order.id, Dispatch(parcel=parcel))
    return parcel


def statuses(order: Order, operation: Operation) -> list[str]:
    """What became of the attempts."""
    return [found.status.value for found in order.payment.of(operation)]


def test_a_void_that_was_lost_is_asked_for_again() -> None:
    """PAY-3, PAY-5: what a person lets go does not cover again, because a call was lost."""
    shop, order = sold()
    after = asked_in_vain(shop, order, VOID)
    assert ["never_happened", "succeeded"] == statuses(after, Operation.VOID)
    shop.rest()
    assert 5000 == shop.till.moved(Operation.VOID, order.id)
    assert 5000 == shop.till.moved(Operation.AUTHORISE, order.id)
    assert eur(0) == balance(shop.load(order.id)).totals.authorised


def test_a_void_that_was_lost_stays_wanted_while_the_call_is_made_again() -> None:
    """PAY-4: no goods leave between the two, nor is anything captured."""
    shop, order = sold()
    parcel = shop.pack(order.id)
    assert parcel is not None
    after = asked_in_vain(shop, order, VOID, times=2)
    assert "never_happened" == statuses(after, Operation.VOID)[0]
    with pytest.raises(NotShippableError):
        shop.do(order.id, Dispatch(parcel=parcel))
    assert 0 == shop.till.moved(Operation.CAPTURE, order.id)


def test_a_void_that_is_lost_again_and_again_is_not_asked_for_without_an_end() -> None:
    """PAY-3: as often as a decline is tried again; after that it covers, and pays what leaves."""
    shop, order = sold()
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, VOID)
    for _ in range(20):
        shop.till.fates.append(Fate.LOST_CALL)
        shop.clock.forward(LATE)
        shop.service.run_due(limit=50)
    most = 1 + BY_HAND.payment.soft_retries
    assert ["never_happened"] * most == statuses(shop.load(order.id), Operation.VOID)
    shop.till.fates.clear()
    dispatched(shop, order)
    assert 5000 == shop.till.moved(Operation.CAPTURE, order.id)


def test_a_void_that_was_lost_and_taken_back_is_not_asked_for_again() -> None:
    """PAY-5: who gives the tender another chance meanwhile wants it to pay."""
    shop, order = sold()
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, VOID)
    shop.do(order.id, RetryPayment(tender=CARD.id))
    shop.clock.forward(LATE)
    shop.rest()
    assert 0 == shop.till.moved(Operation.VOID, order.id)
    assert eur(5000) == balance(shop.load(order.id)).totals.authorised
    dispatched(shop, order)
    assert 5000 == shop.till.moved(Operation.CAPTURE, order.id)


def test_another_tender_pays_instead_of_one_whose_void_was_lost() -> None:
    """PAY-5: the one is let go in the end, and the other covers."""
    shop, order = sold()
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, VOID)
    shop.do(order.id, AddTender(tender=Tender(id=TenderId("other"), instrument="tok_other")))
    shop.clock.forward(LATE)
    shop.rest()
    book = shop.load(order.id).payment.book
    assert (0, 5000) == (book.of(CARD.id).authorised, book.of(TenderId("other")).authorised)


@pytest.mark.parametrize("lifetime", [timedelta(hours=1), timedelta(days=7)])
def test_what_a_person_let_go_is_not_authorised_anew_when_it_has_ended(lifetime: timedelta) -> None:
    """PAY-5: nobody looked for so long; then the void never happened, or nobody knows."""
    shop, order = sold(lifetime=lifetime)
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, VOID)
    shop.clock.forward(max(LATE, lifetime))
    shop.rest()
    assert 5000 == shop.till.moved(Operation.AUTHORISE, order.id)


def test_what_a_person_lets_go_is_not_captured_when_the_void_was_lost() -> None:
    """PAY-4: what may be claimed by then is not taken from it."""
    shop, order = sold()
    shop.do(order.id, PlaceHold(kind=REVIEW, blocks=(Blocks.CAPTURE,)))
    dispatched(shop, order)
    shop.till.fates.append(Fate.LOST_CALL)
    shop.do(order.id, VOID)
    shop.do(order.id, ReleaseHold(kind=REVIEW))
    shop.clock.forward(LATE)
    shop.rest()
    assert 0 == shop.till.moved(Operation.CAPTURE, order.id)
    assert 5000 == shop.till.moved(Operation.VOID, order.id)


@pytest.mark.parametrize("minor", [None, 2000])
def test_a_capture_that_was_lost_is_asked_for_again(minor: int | None) -> None:
    """PAY-3: it brings what the person asked for, once."""
    shop, order = sold(BY_HAND)
    dispatched(shop, order)
    assert 0 == shop.till.moved(Operation.CAPTURE, order.id)
    wish = CaptureNow(amount=None if minor is None else eur(minor))
    after = asked_in_vain(shop, order, wish)
    assert ["never_happened", "succeeded"] == statuses(after, Operation.CAPTURE)
    shop.rest()
    assert (minor or 5000) == shop.till.moved(Operation.CAPTURE, order.id)
