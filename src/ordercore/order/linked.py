"""
Making an order from an order: a split (RULES O-7), an exchange or a replacement (RULES R-5).

One commit writes both streams. The older order is credited for what moves or comes back, and pays
held money out; the newer one is placed with the tender *exchange credit* and takes it in. So no
crash can leave the money, the debt or the stock on neither side or on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, count
from typing import Final, TypeAlias, TypeGuard

from attrs import define, evolve

from ordercore.errors import RefusedError
from ordercore.facts import Event
from ordercore.fulfilment.planning import plan_cancel
from ordercore.ids import LineId, OrderId, Reference, ReturnId, StreamId
from ordercore.inventory.events import UnitsReleased, UnitsReserved
from ordercore.money import Money, sum_money
from ordercore.order import _requests as own
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order._allotted import release
from ordercore.order._cancel import check_open, named_units, released
from ordercore.order.balance import balance
from ordercore.order.evolve import replay
from ordercore.order.link import CREDIT, Link, LinkKind
from ordercore.order.model import Order
from ordercore.order.parts import part_of
from ordercore.order.quote import next_credit, refund_basis
from ordercore.order.refusals import StageOfLifeError
from ordercore.order.rules import open_units
from ordercore.payment.cards import looks_like_card
from ordercore.payment.events import PaymentRecorded, RefundRecorded
from ordercore.payment.model import Tender, TenderKind
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import calculate, cancel_credit
from ordercore.refund.model import Credit, CreditCause, RefundItem, RefundRequest
from ordercore.refund.policy import RefundPolicy
from ordercore.returns.model import ReturnPurpose, RmaStatus

__all__ = [
    "CREDIT",
    "Linking",
    "NoExchangeError",
    "NotToSplitError",
    "exchange",
    "is_linking",
    "opening",
    "passed_back",
    "split",
]

Linking: TypeAlias = oc.SplitOrder | oc.ExchangeGoods
"""Requests to one order that make another."""
_Events: TypeAlias = tuple[Event, ...]
_Items: TypeAlias = tuple[tuple[LineId, SlotSet], ...]

_UNSEEN: Final = frozenset({RmaStatus.REQUESTED, RmaStatus.REJECTED})


@define
class NotToSplitError(RefusedError):
    """The units cannot become an order of their own."""

    sentence = "The order cannot be split so: {problem}."
    problem: str


@define
class NoExchangeError(RefusedError):
    """Nothing comes back for the goods that shall go out."""

    sentence = "Nothing can be exchanged: {problem}."
    problem: str
    return_id: ReturnId | None = None


def is_linking(command: object) -> TypeGuard[Linking]:
    """Whether a command makes another order."""
    return isinstance(command, oc.SplitOrder | oc.ExchangeGoods)


def split(order: Order, command: oc.SplitOrder, now: datetime) -> _Events:
    """
    Move open units into an order of their own: here they are cancelled, and their stock let go.

    Raises:
        InvalidUnitsError, NothingToCancelError: The units are not open, or named wrongly.
        NotToSplitError: A location works on them, a credit has lowered their price, nothing would
            be left, the order has delivery groups, or other allotments shall bind the new one.

    Source:
        RULES O-7.
    """
    _check_other(order, command.order)
    _check_whole(order, command)
    wanted = _wanted(order, command)
    plan = plan_cancel(order.fulfilment, wanted, open_units=_open(order), now=now)
    if plan.asked or plan.left:
        raise NotToSplitError("a location works on some of the units")
    after = replay(plan.events, order) if plan.events else order
    items = _moving(order, wanted)
    request = RefundRequest(
        id=next_credit(order),
        cause=CreditCause.CANCELLED,
        items=tuple(RefundItem(line=line, slots=slots) for line, slots in items),
        reason=f"moved to order {command.order}",
    )
    credit = cancel_credit(refund_basis(order), request, RefundPolicy())
    if credit.amount + _kindness(credit) != part_of(order.priced, dict(items)).total:
        raise NotToSplitError("what some of the units cost was lowered since")
    let_go = release(after, released(after, wanted), now)
    moved = ev.UnitsCancelled(items=items, credit=credit, reason=request.reason, at=now)
    events = (*plan.events, *let_go, moved)
    total = credit.amount
    return (*events, *_paid_over(order, events, (command.order, LinkKind.SPLIT, total), now))


def _kindness(credit: Credit) -> Money:
    """Goodwill that what is left of an order has no room for: it goes along with its units."""
    parts = (part.amount for part in credit.parts if part.line is None)
    return -sum_money(parts, credit.currency)


def _check_other(order: Order, other: OrderId) -> None:
    if other in {order.id, *(link.order for link in order.links)}:
        raise StageOfLifeError(other)


def _check_whole(order: Order, command: oc.SplitOrder) -> None:
    """What belongs to units but does not stand on a line must not be lost on the way."""
    if order.groups:
        raise NotToSplitError("its units are divided into delivery groups; take them off first")
    if command.terms is not None and {*command.terms.bound_by} != {*order.terms.bound_by}:
        raise NotToSplitError("its units count for allotments that do not bind the new order")


def _open(order: Order) -> dict[LineId, int]:
    return {line.id: open_units(order, line) for line in order.priced.lines}


def _wanted(order: Order, command: oc.SplitOrder) -> dict[LineId, int]:
    wanted = named_units(command.units)
    check_open(order, wanted)
    if sum(wanted.values()) == order.units.ordered - order.units.cancelled:
        raise NotToSplitError("nothing would be left of it")
    return wanted


def _moving(order: Order, wanted: dict[LineId, int]) -> _Items:
    return tuple(
        (line, order.open_slots(order.priced.line(line)).highest(units))
        for line, units in wanted.items()
    )


def exchange(order: Order, command: oc.ExchangeGoods, now: datetime) -> _Events:
    """
    Credit the goods that come back, and pay with it for those that go out.

    Raises:
        StaleQuoteError, StillOpenError: See the request ``Refund``.
        NoExchangeError: No return of this order brings these units back for an exchange.

    Source:
        RULES R-5.
    """
    _check_other(order, command.order)
    _check_back(order, command)
    events = own.refund(order, oc.Refund(quote=command.quote), now)
    what = (command.order, _kind(command), command.priced.total)
    return (*events, *_paid_over(order, events, what, now))


def _kind(command: oc.ExchangeGoods) -> LinkKind:
    claim = command.quote.credit.cause is CreditCause.CLAIM
    return LinkKind.REPLACEMENT if claim else LinkKind.EXCHANGE


def _check_back(order: Order, command: oc.ExchangeGoods) -> None:
    """Goods come back by a return for an exchange; for a claim they may stay where they are."""
    if command.return_id is None:
        if _kind(command) is LinkKind.EXCHANGE:
            raise NoExchangeError("name the return that brings the goods back")
        return
    rma = order.returns.rmas.get(command.return_id)
    if rma is None or rma.status in _UNSEEN or rma.purpose is ReturnPurpose.RETURN:
        problem = "there is no approved return of this name for an exchange or a claim"
        raise NoExchangeError(problem, command.return_id)
    is_awaited = rma.status is not RmaStatus.CLOSED
    named = {item.line: item.slots for item in rma.items if is_awaited}
    for item in command.quote.request.items:
        coming = named.get(item.line, SlotSet()) | rma.received(item.line)
        if not item.slots <= coming:
            problem = f"units of line {item.line} are credited that do not come back with it"
            raise NoExchangeError(problem, command.return_id)


def _paid_over(
    order: Order, events: _Events, what: tuple[OrderId, LinkKind, Money], now: datetime
) -> Iterator[Event]:
    """Held money that is owed no more goes to the new order, up to what that one costs."""
    other, kind, total = what
    sums = evolve(balance(replay(events, order)), tolerance=0)  # parts sum to the cent (O-7)
    credit = min(sums.to_pay_back, total)
    if credit.is_positive:
        reference = _unused(f"to-{other}", order)
        yield RefundRecorded(tender=CREDIT, amount=credit, reference=reference, at=now)
    yield ev.OrderLinked(link=Link(order=other, kind=kind, credit=credit), at=now)


def _unused(name: str, order: Order) -> Reference:
    """The name, or that with a number, under which nothing of the order is recorded yet."""
    names = chain((name,), (f"{name}-{number}" for number in count(2)))
    return next(found for found in map(_plain, names) if found not in order.payment.recorded)


def _plain(name: str) -> Reference:
    """The name; where a long number in it could be that of a card, with letters for digits."""
    if not looks_like_card(name):
        return Reference(name)
    return Reference("".join("abcdefghij"[int(x)] if x.isdecimal() else x for x in name))


def opening(order: Order, command: Linking, events: _Events, now: datetime) -> _Events:
    """
    The first facts of the order that *command* makes from *order*; *events* are the older one's.

    What was held there is held here at once: the same units in the same places and allotments, the
    same holds. A hold that somebody has released there is not placed anew here.

    Raises:
        TendersDoNotFitError, QuotationExpiredError: As with any placement.
    """
    link = next(event.link for event in events if isinstance(event, ev.OrderLinked))
    placed, *more = own.place(None, _placement(order, command, events, link.credit), now)
    more += _forgiven(replay((placed,)), events, now)
    if isinstance(placed, ev.OrderPlaced):
        placed = evolve(placed, made_from=evolve(link, order=order.id))
    if isinstance(command, oc.SplitOrder):
        known = order.terms.holds_at_placement
        more = [one for one in more if not (isinstance(one, ev.HoldPlaced) and one.kind in known)]
    return (placed, *more, *_brought(order, command, events, now))


def _forgiven(part: Order, events: _Events, now: datetime) -> Iterator[Event]:
    """The goodwill that goes along with units that move (RULES RF-1, O-7)."""
    for event in events:
        if isinstance(event, ev.UnitsCancelled) and _kindness(event.credit).is_positive:
            request = RefundRequest(
                id=next_credit(part),
                cause=CreditCause.GOODWILL,
                goodwill=_kindness(event.credit),
                reason=event.reason,
            )
            credit = calculate(refund_basis(part), request, part.terms.refund).credit
            yield ev.CreditGranted(credit=credit, at=now)


def passed_back(
    order: Order, elder: Order, amount: Money, now: datetime
) -> tuple[_Events, _Events]:
    """
    Money that came from an older order, back to it: the facts of both.

    Source:
        RULES O-7, R-5, RF-5: to the instrument that paid, which only the older order knows.
    """
    number = len(order.payment.recorded)
    there = _unused(f"back-to-{elder.id}-{number}", order)
    here = _unused(f"back-from-{order.id}-{number}", elder)
    paid_out = RefundRecorded(tender=CREDIT, amount=amount, reference=there, at=now)
    paid_in = PaymentRecorded(tender=CREDIT, amount=amount, reference=here, at=now)
    return (paid_out,), (paid_in,)


def _placement(order: Order, command: Linking, events: _Events, credit: Money) -> oc.Place:
    if isinstance(command, oc.SplitOrder):
        moved = next(event for event in events if isinstance(event, ev.UnitsCancelled))
        priced, channel = part_of(order.priced, dict(moved.items)), command.channel
    else:
        priced, channel = command.priced, ""
    terms = order.terms
    if command.terms is not None:
        terms = evolve(command.terms, capabilities=order.terms.capabilities)
    return oc.Place(
        order=command.order,
        priced=priced,
        terms=terms,
        tenders=_tenders(command, credit, priced.total),
        customer=command.customer or order.customer,
        destination=command.destination or order.destination,
        channel=channel or order.channel,
        origin=order.origin,
        buyer=order.buyer,
    )


def _tenders(command: Linking, credit: Money, total: Money) -> tuple[Tender, ...]:
    """The credit first, then what pays the difference, if there is one."""
    others = command.tenders if credit < total else ()
    if not credit.is_positive:
        return others
    return (Tender(id=CREDIT, kind=TenderKind.EXCHANGE_CREDIT, amount=credit), *others)


def _brought(order: Order, command: Linking, events: _Events, now: datetime) -> Iterator[Event]:
    stream = StreamId(command.order)
    for event in events:
        if isinstance(event, RefundRecorded):
            reference = _plain(f"from-{order.id}")
            yield PaymentRecorded(tender=CREDIT, amount=event.amount, reference=reference, at=now)
    if not isinstance(command, oc.SplitOrder):
        return
    for event in events:
        if isinstance(event, UnitsReleased):
            yield UnitsReserved(stream, event.allocations, event.allotments, at=now)
    for hold in order.holds:
        yield ev.HoldPlaced(
            kind=hold.kind,
            blocks=hold.blocks,
            reason=hold.reason,
            release_at=hold.release_at,
            release_on=hold.release_on,
            at=now,
        )
