"""The law of quotes: a quote is what a refund would do, and is refused as a refund would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordercore.errors import OrderCoreError
from ordercore.ids import CreditId, HoldKind, LineId, OrderId, Reference, TenderId
from ordercore.order import commands as oc
from ordercore.order import quote as quoting
from ordercore.order.balance import balance, refund_plan
from ordercore.order.decide import decide, replay
from ordercore.order.events import CreditGranted
from ordercore.order.model import Order
from ordercore.order.quote import StaleQuoteError, refund_basis
from ordercore.order.terms import Blocks, Terms
from ordercore.payment import commands as pc
from ordercore.payment.model import Tender, TenderKind
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import calculate
from ordercore.refund.model import (
    CreditCause,
    PriceReduction,
    RefundItem,
    RefundQuote,
    RefundRequest,
)
from tests.laws.order_world import ACCOUNT, CARD, eur, gift, line
from tests.laws.test_order import STEPS, Step, World, small

BANK: Final = Tender(id=TenderId("bank"), kind=TenderKind.BANK_TRANSFER)
TENDERS: Final = (
    (CARD,),
    (gift(500), CARD),
    (evolve(CARD, amount=eur(900)), BANK),
    (BANK,),
    (ACCOUNT,),
)
TOLERANCES: Final = (0, 30)
NAME: Final = CreditId("asked")
FORGIVEN: Final = 30
_T = TypeVar("_T")
Asked = tuple[int, CaptureWhen, int]
"""How an order is paid, when money is taken, and what is little enough to be forgotten."""


def wanted(order: Order) -> Iterator[RefundRequest]:
    """Much that somebody can ask to be credited, whether it makes sense or not."""
    for minor in (1, FORGIVEN, 1000, order.priced.total.minor, order.priced.total.minor + 1):
        yield RefundRequest(id=NAME, cause=CreditCause.GOODWILL, goodwill=eur(minor))
    for each in order.priced.lines:
        for slots in (SlotSet.of(0, 1), SlotSet.of(each.quantity - 1, each.quantity), each.slots):
            item = RefundItem(line=each.id, slots=slots)
            yield RefundRequest(id=NAME, cause=CreditCause.CLAIM, items=(item,))
            less = PriceReduction(line=each.id, slots=slots, amount=eur(50))
            yield RefundRequest(id=NAME, cause=CreditCause.PRICE_REDUCTION, reductions=(less,))
    every = tuple(RefundItem(line=each.id, slots=each.slots) for each in order.priced.lines)
    yield RefundRequest(id=NAME, cause=CreditCause.RETURNED, items=every)
    nothing = RefundItem(line=LineId("none"), slots=SlotSet.of(0, 1))
    yield RefundRequest(id=NAME, cause=CreditCause.RETURNED, items=(nothing,))


def said(question: Callable[[], _T]) -> _T | str:
    """The answer, or the refusal as a person reads it."""
    try:
        return question()
    except OrderCoreError as error:
        return f"{error.code}: {error}"


def done(order: Order, quote: RefundQuote, now: datetime) -> tuple[RefundQuote, Order]:
    """What was carried out, and the order after it; a stale quote is made anew, as hosts do."""
    try:
        events = decide(order, oc.Refund(quote=quote), now)
    except StaleQuoteError as error:
        quote = error.quote
        events = decide(order, oc.Refund(quote=quote), now)
    assert (CreditGranted(credit=quote.credit, at=now),) == events, "what was quoted is credited"
    return quote, replay(events, order)


def check(order: Order, request: RefundRequest, now: datetime) -> None:
    """The quote against the refund of a quote that nobody asked the order for."""
    told = said(lambda: quoting.quote_refund(order, request, now))
    stray = said(lambda: calculate(refund_basis(order), request, order.terms.refund))
    if isinstance(stray, str):
        assert isinstance(told, str), "what cannot be worked out is not quoted"
        return
    refunded = said(lambda: done(order, stray, now))
    if isinstance(refunded, str):
        assert refunded == told, "what a refund refuses the quote refuses, in the same words"
        return
    assert not isinstance(told, str), "what a refund does can be quoted"
    quote, after = refunded
    assert quote == told, "the refund is the quote's"
    back = balance(after).to_pay_back
    assert back == told.pay_back, "what was quoted is sent back"
    shares = tuple((share.tender, share.amount) for share in told.destinations)
    assert refund_plan(after, back) == shares, "and to where"


def check_all(world: World, name: OrderId) -> None:
    """All wishes about one order as it stands."""
    order = world.shop.load(name)
    for request in wanted(order):
        check(order, request, world.shop.clock.now)


def world_of(asked: Asked) -> tuple[World, OrderId]:
    """A shop with one order, of which a part is paid where it is paid by transfer alone."""
    tenders, capture, tolerance = asked
    world = World()
    for item in ("tea", "cup"):
        world.shop.receive(item, 4)
    terms = Terms(payment=PaymentPolicy(capture=capture), tolerance=tolerance)
    lines = (line("tea", 2, 333), line("cup", 2, 500))
    order = world.shop.place(*lines, terms=terms, tenders=TENDERS[tenders])
    if order.payment.tenders[0] == BANK:
        slip = pc.RecordPayment(tender=BANK.id, amount=eur(700), reference=Reference("slip"))
        world.shop.do(order.id, slip)
    return world, order.id


def law_of_quotes(asked: Asked, story: list[Step]) -> None:
    """For each state of a life and each wish: the quote is what the refund would do."""
    world, _ = world_of(asked)
    for _ in world.play([("note", 0, 1), *story]):
        for name in world.shop.orders:
            check_all(world, name)


steps: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from(sorted(STEPS)) | st.sampled_from(("ship", "refund", "hold", "time")),
    small,
    small,
)


@given(
    asked=st.tuples(
        st.integers(0, len(TENDERS) - 1),
        st.sampled_from(CaptureWhen),
        st.sampled_from(TOLERANCES),
    ),
    story=st.lists(steps, max_size=6),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_quote_is_what_the_refund_would_do(asked: Asked, story: list[Step]) -> None:
    """RF-2: whatever has happened, what a refund refuses is not quoted, and its sums are quoted."""
    law_of_quotes(asked, story)


def unsent() -> None:
    """Nothing has been sent yet."""
    law_of_quotes((0, CaptureWhen.DISPATCH, 0), [])


def held_back() -> None:
    """Everything was sent, and somebody has stopped refunds."""
    world, name = world_of((0, CaptureWhen.DISPATCH, 0))
    world.shop.send_all(name)
    world.shop.do(name, oc.PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.REFUND,)))
    check_all(world, name)


def forgiven() -> None:
    """What would go back is as little as the terms forget."""
    law_of_quotes((0, CaptureWhen.PLACEMENT, FORGIVEN), [])


def asked_for_less() -> None:
    """A transfer was to pay the rest; once less is owed, the card has brought all of it."""
    world, name = world_of((2, CaptureWhen.PLACEMENT, 0))
    world.shop.do(name, oc.Confirm())
    world.shop.do(name, oc.AmendTerms(terms=Terms(), reason="take it when it is sent"))
    check_all(world, name)


STORIES: Final = (unsent, held_back, forgiven, asked_for_less)


@pytest.mark.parametrize("story", STORIES)
def test_the_law_holds_where_quotes_once_differed(story: Callable[[], None]) -> None:
    """RF-2: a unit to be sent, a hold, a little debt, and a tender that is to pay less now."""
    story()
