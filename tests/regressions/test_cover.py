"""Goods that left without money behind them, and reports that were refused for it."""

from __future__ import annotations

from collections import deque

import pytest
from attrs import evolve as changed

from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.decide import NotShippableError
from ordercore.fulfilment.events import TrackingParked
from ordercore.fulfilment.model import LineUnits, ParcelStatus
from ordercore.ids import CreditId, FulfilmentId, HoldKind, LineId, ParcelId
from ordercore.order import commands as oc
from ordercore.order.balance import balance, cover_missing
from ordercore.order.decide import decide, replay
from ordercore.order.guards import OnHoldError
from ordercore.order.model import Order
from ordercore.order.terms import Blocks, Terms
from ordercore.payment.commands import ReportAuthorisationExpired, VoidAuthorisation
from ordercore.payment.model import Operation
from ordercore.pricing.model import LineKind
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, RefundRequest
from tests.laws.order_world import CARD, Fate, Shop, eur, line

TEA = LineId("tea")
WORK = FulfilmentId("o-1-F1")
SLOWLY = Terms(release_automatically=False)


def vouched(*, declined: bool = True) -> tuple[Shop, Order]:
    """Five units for 50.00 that nobody works on; confirmed by hand where the card was declined."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.till.fates = deque([Fate.DECLINED] if declined else [])
    order = shop.place(line("tea", 5), terms=SLOWLY)
    return shop, shop.do(order.id, oc.Confirm()).order if declined else order


def pack(shop: Shop, order: Order, units: int) -> ParcelId:
    """A parcel of so many units, ready to leave."""
    parcel = ParcelId(f"P{len(shop.load(order.id).fulfilment.parcels) + 1}")
    if not shop.load(order.id).fulfilment.parcels:
        shop.do(order.id, fc.ReleaseFulfilment(fulfilment=WORK))
    items = (fc.PackItem(line=TEA, quantity=units),)
    shop.do(order.id, fc.PackParcel(parcel=parcel, fulfilment=WORK, items=items))
    return parcel


def test_a_cancel_of_open_units_pays_for_no_parcel() -> None:
    """F-4: credits on units that never leave cover nothing of what does."""
    shop, order = vouched()
    shop.do(order.id, oc.CancelUnits(units=((TEA, 2),)))
    parcel = pack(shop, order, 2)
    with pytest.raises(NotShippableError, match=r"0\.00 EUR .* worth 20\.00 EUR"):
        shop.do(order.id, fc.Dispatch(parcel=parcel))


def test_goodwill_pays_for_a_parcel_only_where_it_ends_the_debt() -> None:
    """F-4: 30.00 of 50.00 forgiven leave 20.00 to pay, and two units for 20.00 are not covered."""
    shop, order = vouched()
    kind = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(3000))
    shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, kind)))
    parcel = pack(shop, order, 2)
    with pytest.raises(NotShippableError):
        shop.do(order.id, fc.Dispatch(parcel=parcel))
    rest = RefundRequest(id=CreditId("all"), cause=CreditCause.GOODWILL, goodwill=eur(2000))
    shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, rest)))
    shop.do(order.id, fc.Dispatch(parcel=parcel))


def test_a_credit_on_what_has_left_covers_what_leaves_next() -> None:
    """F-4: a unit that was sent and credited binds no money any more."""
    shop, order = vouched(declined=False)
    shop.do(order.id, fc.Dispatch(parcel=pack(shop, order, 2)))
    quote = shop.service.quote_refund(order.id, ((TEA, SlotSet.of(0, 1)),))
    shop.do(order.id, oc.Refund(quote=quote))
    shop.do(order.id, fc.Dispatch(parcel=pack(shop, order, 3)))
    assert 4000 == shop.till.held(order.id)


@pytest.mark.parametrize("declined", [True, False])
def test_a_download_is_covered_and_not_on_hold(*, declined: bool) -> None:
    """F-4: digital delivery is the same flow; money and holds bind it as they bind a parcel."""
    shop = Shop()
    shop.till.fates = deque([Fate.DECLINED] if declined else [])
    book = changed(line("book", 2), kind=LineKind.DIGITAL, tracks_stock=False)
    order = shop.place(book)
    fetch = fc.DeliverDigital(lines=(LineUnits(line=LineId("book"), quantity=1),))
    if declined:
        shop.do(order.id, oc.Confirm())
        with pytest.raises(NotShippableError, match=r"worth 10\.00 EUR"):
            shop.do(order.id, fetch)
        return
    shop.do(order.id, oc.PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.SHIP,)))
    with pytest.raises(OnHoldError):
        shop.do(order.id, fetch)
    shop.do(order.id, oc.ReleaseHold(kind=HoldKind("fraud")))
    shop.do(order.id, fetch)
    assert 1000 == shop.till.held(order.id)


@pytest.mark.parametrize("status", ParcelStatus)
def test_a_scan_of_a_parcel_whose_units_are_cancelled_is_parked(status: ParcelStatus) -> None:
    """O-2: a report is never refused; what cannot be matched is kept for a person."""
    shop, order = vouched()
    parcel = pack(shop, order, 5)
    order = shop.load(order.id)
    cancelled = changed(order, cancelled={TEA: SlotSet.of(1, 5)})
    told = decide(
        cancelled,
        fc.ReportTracking(parcel=parcel, status=status, at=shop.clock.now),
        shop.clock.now,
    )
    if status is ParcelStatus.PACKED:
        assert () == told
        return
    (event,) = told
    assert isinstance(event, TrackingParked)
    assert 1 == len(replay(told, cancelled).fulfilment.parked)


def test_a_scan_of_a_parcel_that_is_not_covered_counts() -> None:
    """F-4: what has left has left, paid or not."""
    shop, order = vouched()
    parcel = pack(shop, order, 5)
    at = shop.clock()
    shop.do(order.id, fc.ReportTracking(parcel=parcel, status=ParcelStatus.DELIVERED, at=at))
    assert 5 == shop.load(order.id).fulfilment.totals.delivered


def test_an_authorisation_that_is_being_let_go_covers_nothing() -> None:
    """F-4: until the gateway says what became of a void, no goods leave on that money."""
    shop, order = vouched(declined=False)
    parcel = pack(shop, order, 2)
    shop.till.fates.append(Fate.LOST_ANSWER)
    after = shop.do(order.id, VoidAuthorisation(tender=CARD.id)).order
    assert eur(5000) == balance(after).totals.authorised == balance(after).totals.voids_in_flight
    assert eur(0) == balance(after).totals.firm
    assert eur(5000) == cover_missing(balance(after))
    with pytest.raises(NotShippableError, match=r"0\.00 EUR .* worth 20\.00 EUR"):
        shop.do(order.id, fc.Dispatch(parcel=parcel))


def test_nothing_is_confirmed_on_an_authorisation_that_is_being_let_go() -> None:
    """F-4: an order whose hold ends meanwhile waits until it is known what became of the void."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.till.fates = deque([Fate.LOST_ANSWER])
    order = shop.place(line("tea", 5)).id
    fraud = HoldKind("fraud")
    shop.do(order, oc.PlaceHold(kind=fraud, blocks=(Blocks.CONFIRM,)))
    shop.rest(rounds=3)
    assert eur(5000) == balance(shop.load(order)).totals.firm
    shop.till.fates.append(Fate.LOST_ANSWER)
    shop.do(order, VoidAuthorisation(tender=CARD.id))
    after = shop.do(order, oc.ReleaseHold(kind=fraud)).order
    assert eur(5000) == balance(after).totals.authorised
    assert after.confirmed_at is None


def test_what_is_let_go_and_has_ended_is_counted_once() -> None:
    """F-4: the bank ends an authorisation while nobody knows what became of its void."""
    shop, order = vouched(declined=False)
    shop.till.fates.append(Fate.LOST_ANSWER)
    shop.do(order.id, VoidAuthorisation(tender=CARD.id))
    (found,) = shop.load(order.id).payment.of(Operation.AUTHORISE)
    assert found.reference is not None
    ended = ReportAuthorisationExpired(reference=found.reference, at=shop.clock())
    sums = balance(shop.do(order.id, ended).order)
    assert (eur(0), eur(0)) == (sums.totals.voids_in_flight, sums.totals.firm)
    assert eur(5000) == cover_missing(sums)
