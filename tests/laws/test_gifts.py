"""Nobody passes a limit by another door: whatever gives money or debt away is weighed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import cache
from typing import Final

from attrs import evolve, frozen

from ordercore.errors import OrderCoreError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.events import FulfilmentCancelRequested
from ordercore.fulfilment.model import LineUnits, ShortPolicy
from ordercore.ids import Actor, LineId
from ordercore.moment import Period
from ordercore.order import commands as oc
from ordercore.order.balance import balance, cover_missing
from ordercore.order.decide import decide, replay
from ordercore.order.model import Order
from ordercore.order.status import OrderStatus
from ordercore.order.terms import Terms
from ordercore.payment import commands as pc
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.process.due import due
from ordercore.process.tasks import ExpireOrder
from ordercore.service.permissions import ApprovalNeededError, Grant, Permissions
from ordercore.service.sync import OrderService
from tests.laws.order_world import ACCOUNT, Fate, Ids, Shop, basket, eur, line
from tests.unit.order.lives import LIVES, before, requests

ANN, PAT = Actor("staff:ann"), Actor("owner:pat")
TABLE: Final = Permissions(
    grants=(
        Grant(role="staff", command="*", limit=eur(0)),
        Grant(role="owner", command="*"),
    )
)
TEA: Final = LineId("tea")
AT_ONCE: Final = Terms(payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))
World = tuple[Shop, Order]
PLACED, CONFIRMED = OrderStatus.PLACED, OrderStatus.CONFIRMED
DELIVERED: Final = OrderStatus.DELIVERED


def _placed(terms: Terms, *fates: Fate) -> World:
    shop = Shop()
    shop.receive("tea", 9)
    shop.receive("cup", 2)
    shop.till.fates.extend(fates)
    return shop, shop.place(line("tea", 2), terms=terms)


def _planned() -> World:
    """Nobody works on it: what is cancelled is cancelled at once."""
    return _placed(Terms(release_automatically=False))


def _captured() -> World:
    """All was taken at placement."""
    return _placed(AT_ONCE)


def _doubted() -> World:
    """Nobody knows whether the money was taken."""
    shop, order = _placed(AT_ONCE, Fate.FINE, Fate.LOST_CALL)
    shop.rest(rounds=12, step=timedelta(days=1))
    return shop, shop.load(order.id)


def _more() -> World:
    """A cup was added, which can be undone."""
    shop, order = _placed(Terms(release_automatically=False))
    shop.do(order.id, oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1))))
    return shop, shop.do(order.id, oc.ConfirmAmendment(proposal="p")).order


def _swapped() -> World:
    """A tea was taken out for a cup of the same price: to undo that credits one, charges both."""
    shop, order = _placed(Terms(release_automatically=False))
    swap = oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1)), removals=((TEA, 1),))
    shop.do(order.id, swap)
    return shop, shop.do(order.id, oc.ConfirmAmendment(proposal="p")).order


def _unheard() -> World:
    """Nobody knows whether the money was authorised."""
    return _placed(Terms(), Fate.LOST_CALL)


def _refused() -> World:
    """The card was declined, and the goods need not be paid before they leave."""
    return _placed(Terms(ship_before_paid=True), Fate.DECLINED)


def _sent() -> World:
    """The goods have left, and their money is only authorised."""
    shop, order = _placed(Terms(payment=PaymentPolicy(capture=CaptureWhen.MANUAL)))
    return shop, shop.send_all(order.id)


LATE: Final = Terms(payment=PaymentPolicy(capture=CaptureWhen.DISPATCH))
WORLDS: Final[dict[str, Callable[[], World]]] = {
    **{str(status): LIVES[status] for status in (PLACED, CONFIRMED, DELIVERED)},
    "planned": _planned,
    "captured": _captured,
    "doubted": _doubted,
    "more": _more,
    "swapped": _swapped,
    "unheard": _unheard,
    "refused": _refused,
    "sent": _sent,
}


def _asked(order: Order) -> Iterator[Request]:
    """A request of every kind, and those that give away by what they say."""
    yield from (request for request in requests(order) if not isinstance(request, oc.Place))
    yield oc.AmendTerms(terms=evolve(order.terms, tolerance=10**6), reason="generous")
    yield oc.AmendTerms(terms=LATE, reason="pay later")
    yield oc.AmendTerms(terms=evolve(order.terms, confirm_within=Period(seconds=1)))
    hurried = evolve(order.terms, confirm_within=Period(seconds=1))
    yield from (
        evolve(request, terms=hurried)
        for request in requests(order)
        if isinstance(request, oc.SplitOrder)
    )
    yield pc.AddTender(tender=ACCOUNT)
    for key in order.payment.operations:
        yield pc.ResolveOperation(key=key, outcome=pc.Outcome.SUCCEEDED)
    for work in order.fulfilment.open_orders:
        units = (LineUnits(line=TEA, quantity=1),)
        yield fc.RecordShortPick(fulfilment=work.id, lines=units, policy=ShortPolicy.CLOSE)


def _gives(order: Order, command: Request, shop: Shop) -> bool:
    """Whether less is owed or more goes back after it, or as soon as a location agrees."""
    try:
        events = decide(order, command, shop.clock.now)
    except OrderCoreError:
        return False
    after = replay(events, order) if events else order
    shop.clock.forward(timedelta(seconds=2))
    if ExpireOrder() in due(after, shop.clock.now):
        return ExpireOrder() not in due(order, shop.clock.now)
    old, new = balance(order), balance(after)
    is_less = new.owed < old.owed or new.to_collect < old.to_collect
    is_asked = any(isinstance(event, FulfilmentCancelRequested) for event in events)
    added = after.credits[len(order.credits) :]
    is_credited = any(credit.amount.is_positive for credit in added)
    is_back = is_less or is_asked or is_credited or new.to_pay_back > old.to_pay_back
    return is_back or _lets_leave(order, after)


def _lets_leave(order: Order, after: Order) -> bool:
    """Whether more is deferred or authorised, or goods leave or have left without cover."""
    old, new = balance(order), balance(after)
    if new.deferred > old.deferred or new.totals.firm > old.totals.firm:
        return True
    was, missing = cover_missing(old).minor, cover_missing(new).minor
    is_confirmed = order.confirmed_at is None and after.confirmed_at is not None
    has_left = after.dispatched_value.is_positive and missing > was
    return has_left or (is_confirmed and after.terms.ship_before_paid and missing > 0)


@frozen
class Door:
    """A request that gives something away, in a world where it is not refused."""

    world: str
    command: Request


def _ready(world: str, command: Request) -> World:
    """A world in which what must come first has happened."""
    shop, order = WORLDS[world]()
    shop.receive("cup", 9)
    for first in before(order, type(command)):
        try:
            order = shop.do(order.id, first).order
        except OrderCoreError:
            break
    return shop, order


@cache
def doors() -> tuple[Door, ...]:
    """Every request of every world that gives something away; of splits, those to other terms."""
    found: list[Door] = []
    for world, make in WORLDS.items():
        plain = make()
        for command in _asked(plain[1]):
            if isinstance(command, oc.SplitOrder) and command.terms is None:
                continue  # the new order owes what this one does not
            needs = before(plain[1], type(command))
            shop, order = _ready(world, command) if needs else plain
            if _gives(order, command, shop):
                found.append(Door(world, command))
    return tuple(found)


def open_doors(found: Iterable[Door]) -> list[tuple[str, str]]:
    """Those through which somebody without any limit to spend gets, alone or with himself."""
    left: list[tuple[str, str]] = []
    for door in found:
        shop, order = _ready(door.world, door.command)
        service = OrderService(
            store=shop.store, payments=shop.till, ids=Ids("p"), permissions=TABLE
        )
        for second in (None, ANN, Actor("staff:bob")):
            try:
                service.execute(order.id, door.command, by=ANN, approved_by=second)
            except ApprovalNeededError:
                assert order == service.load(order.id), "nothing was written"
            else:
                left.append((door.world, type(door.command).__name__))
                break
        else:
            service.execute(order.id, door.command, by=ANN, approved_by=PAT)
    return left


GIVING: Final = {
    oc.AmendTerms,
    oc.Cancel,
    oc.CancelUnits,
    oc.Confirm,
    oc.ConfirmAmendment,
    oc.ExchangeGoods,
    oc.Refund,
    oc.SplitOrder,
    oc.UndoAmendment,
    fc.AcceptCancel,
    fc.RecordShortPick,
    pc.AddTender,
    pc.RecordPayment,
    pc.RecordRefund,
    pc.ResolveOperation,
    pc.VoidAuthorisation,
}


def test_every_door_is_known() -> None:
    """The kinds of request through which something can be given away."""
    assert {*GIVING} == {type(door.command) for door in doors()}


def test_no_door_is_open() -> None:
    """Whatever lowers a debt or makes money go back meets the limit (after-place.md, Who may)."""
    assert [] == open_doors(doors())
