"""
What must hold in a simulated world: after every call, and once all is at rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import reduce

from attrs import evolve, frozen

from ordercore.errors import BrokenContractError, OrderCoreError
from ordercore.facts import Event
from ordercore.inventory.audit import audit
from ordercore.money import EUR, Money, sum_money
from ordercore.order.balance import balance
from ordercore.order.completion import has_open_operations
from ordercore.order.decide import decide
from ordercore.order.decide import replay as fold
from ordercore.order.link import CREDIT
from ordercore.order.model import Order
from ordercore.order.rules import is_ended
from ordercore.payment.commands import ReportOperation
from ordercore.payment.events import (
    LotPart,
    StoreValueHeld,
    StoreValueReleased,
    StoreValueReturned,
    StoreValueTaken,
)
from ordercore.payment.model import OperationStatus
from ordercore.process.due import Agenda
from ordercore.process.tasks import CheckQueue
from ordercore.testing._simulation_attempts import hasty_attempts
from ordercore.testing._simulation_labels import labels_bought_twice, unknown_labels
from ordercore.testing._simulation_world import STREAM, Flow, World
from ordercore.testing.sandbox import EntryState

__all__ = ["amounts", "at_any_time", "at_rest", "replayed"]


@frozen(kw_only=True)
class Books:
    """What is set aside, taken, given back and disputed outside the order."""

    live: Money
    captured: Money
    refunded: Money
    disputed: Money


def books(world: World, order: Order) -> Books:
    """What the gateway and the order's accounts of store value say, each by its own facts."""
    gateway = world.gateway.totals(EUR, order=order.id)
    found = Books(
        live=gateway.live,
        captured=gateway.captured,
        refunded=gateway.refunded,
        disputed=gateway.disputed,
    )
    accounts = {tender.account for tender in order.payment.tenders if tender.account is not None}
    for account in accounts:
        for commit in world.store.history(account):
            found = reduce(_with_fact, commit.events[account], found)
    return found


def settled(world: World, order: Order) -> Books:
    """
    The same once all is at rest: what has ended by the store's clock has ended.

    A gateway whose clock is behind keeps an authorisation for a minute after nobody uses it.
    """
    offset, world.offset = world.offset, max(world.offset, timedelta(0))
    try:
        return books(world, order)
    finally:
        world.offset = offset


def _with_fact(sums: Books, fact: Event) -> Books:
    match fact:
        case StoreValueHeld(parts=parts):
            return evolve(sums, live=sums.live + _sum(parts))
        case StoreValueReleased(parts=parts):
            return evolve(sums, live=sums.live - _sum(parts))
        case StoreValueTaken(parts=parts):
            moved = _sum(parts)
            return evolve(sums, live=sums.live - moved, captured=sums.captured + moved)
        case StoreValueReturned(parts=parts):
            return evolve(sums, refunded=sums.refunded + _sum(parts))
        case _:
            return sums


def _sum(parts: Iterable[LotPart]) -> Money:
    return sum_money((part.amount for part in parts), EUR)


def at_any_time(world: World) -> Iterator[str]:
    """What is wrong after a call, whatever is still to be done."""
    yield from (f"gateway: {found.kind} {found.detail}" for found in world.gateway.violations())
    for wrong in audit(world.store.ledger(), world.store.all_counters()):
        yield f"stock audit: {wrong.figure} is {wrong.recorded}, not {wrong.derived}"
    ledger = world.gateway.ledger()
    if not world.store.history_of(STREAM):
        yield from (f"{entry.key} was sent for no order" for entry in ledger)
        return
    try:
        orders = world.orders()
    except BrokenContractError as error:
        yield f"{error.code}: {error}"
        return
    intents = {key for order in orders for key in order.payment.operations}
    yield from (f"{entry.key} is no saved intent" for entry in ledger if entry.key not in intents)
    for order in orders:
        theirs = books(world, order)
        if theirs.captured - theirs.refunded > order.priced.total:
            yield f"{theirs.captured - theirs.refunded} was taken for {order.priced.total}"
    yield from hasty_attempts(orders, ledger)
    yield from labels_bought_twice(world)


def at_rest(world: World) -> Iterator[str]:
    """What is wrong now that all has come to rest."""
    if not world.store.history_of(STREAM):
        return
    orders = world.orders()
    yield from _astray(orders)
    for order in orders:
        yield from _different_books(world, order)
        yield from _unrest(world, order)
        yield from unknown_labels(world, order)
        if world.setting.reconciles:
            yield from _repaired(world, order)


def replayed(world: World) -> Iterator[str]:
    """The full replay of a whole life, once for each history."""
    proven = world.histories.proven
    for order in world.orders():
        number = world.store.history_of(order.stream)
        if number not in proven:
            proven.add(number)
            commits = world.store.history(order.stream)
            if fold([event for each in commits for event in each.events[order.stream]]) != order:
                yield "the replayed history is another order"


def _different_books(world: World, order: Order) -> Iterator[str]:
    ours, theirs = balance(order).totals, settled(world, order)
    disputed = ours.disputes_open + ours.disputes_lost
    for name, own, other in (
        ("live", ours.authorised, theirs.live),
        ("captured", ours.captured, theirs.captured + _moved(order, is_refund=False)),
        ("refunded", ours.refunded, theirs.refunded + _moved(order, is_refund=True)),
        ("disputed", disputed, theirs.disputed),
    ):
        if own != other:
            yield f"{name}: {own} by the order, {other} outside"


def _moved(order: Order, *, is_refund: bool) -> Money:
    """What came from other orders, or went to them: nobody outside knows of it."""
    recorded = order.payment.recorded.values()
    found = (row for row in recorded if row.tender == CREDIT and row.is_refund is is_refund)
    return sum_money((row.amount for row in found), EUR)


def _kept(order: Order, theirs: Books) -> Money:
    """What an order holds, with what came from others and without what went to them."""
    moved = _moved(order, is_refund=False) - _moved(order, is_refund=True)
    return theirs.captured - theirs.refunded + moved


def _astray(orders: Iterable[Order]) -> Iterator[str]:
    """Money that has left an order and arrived at none, or the other way round."""
    left = sum_money((_moved(order, is_refund=True) for order in orders), EUR)
    arrived = sum_money((_moved(order, is_refund=False) for order in orders), EUR)
    if left != arrived:
        yield f"{left} went to other orders, {arrived} came from others"


def _unrest(world: World, order: Order) -> Iterator[str]:
    agenda = world.setting.engine.ask(Agenda, order, world.now)
    tasks = [task for task in agenda if not isinstance(task, CheckQueue)]
    yield from (f"still due: {task}" for task in tasks)
    if has_open_operations(order):
        yield "a payment operation is still open"
    if order.payment.waiting:
        yield "a report still waits"
    if world.store.take_due(limit=1, lease=timedelta(0)):
        yield "the worker would still find work"
    if is_ended(order) and order.stock.allocations:
        yield "an ended order keeps stock"


def _repaired(world: World, order: Order) -> Iterator[str]:
    """The safety net: every figure of the gateway's books is reported, and must be no news."""
    for entry in world.gateway.ledger(order.id):
        found = order.payment.operations.get(entry.key)
        is_over = found is not None and found.status is OperationStatus.EXPIRED
        if entry.state is not EntryState.SUCCEEDED or is_over:
            continue
        report = ReportOperation(
            operation=entry.operation,
            reference=entry.reference,
            amount=entry.amount,
            key=entry.key,
            at=entry.at,
        )
        try:
            news = decide(order, report, world.now)
        except OrderCoreError as error:
            yield f"reconciliation of {entry.key} is refused: {error.code}"
        else:
            yield from (f"reconciliation had to repair: {type(event).__name__}" for event in news)


def amounts(world: World, flow: Flow, *, is_late: bool) -> Iterator[str]:
    """
    That the client got what it wanted: no fault is an excuse for doing nothing.

    Only where too much time passed may the order, or one that was made from it, have ended with
    nothing kept. Then, or where a client in a hurry went on before anything was set aside, it may
    be what is still owed that was set aside. A client in a hurry may also cancel before anything
    was captured.
    """
    orders = world.orders()
    sums = [settled(world, order) for order in orders]
    wanted = (flow.live, flow.captured, flow.refunded)
    found = (
        sum(each.live.minor for each in sums),
        sum(each.captured.minor for each in sums),
        sum(each.refunded.minor for each in sums),
    )
    if wanted == found:
        return
    net = found[0], found[1] - found[2]
    wished = flow.live, flow.captured - flow.refunded
    is_linked = len(orders) > 1  # what was not yet captured could not move: the newer one takes it
    if world.setting.hurries and (net == wished or (is_linked and sum(net) == sum(wished))):
        return
    kept = (_kept(one, each) == balance(one).owed for one, each in zip(orders, sums, strict=True))
    if is_late and not found[0] and any(map(is_ended, orders)) and all(kept):
        return
    to_collect = sum(balance(order).to_collect.minor for order in orders)
    is_anew = is_late or world.setting.hurries
    if is_anew and found[1:] == wanted[1:] and found[0] == to_collect:
        return
    yield f"live, captured and refunded are {found}, not {wanted}"
