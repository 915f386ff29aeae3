"""
What an inventory operation may do, and what the facts about stock add up to.

Orders reserve through `ordercore.inventory.reserve`; here are the operations that belong to no
order (deliveries, stock-takes, holds of carts), and the folds of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, assert_never

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError, NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.ids import StreamId
from ordercore.inventory._fold import evolve_hold, evolve_stock, learn_stock
from ordercore.inventory.commands import (
    AdjustStock,
    CountStock,
    ExpectStock,
    HoldStock,
    MarkDamaged,
    ReceiveStock,
    ReleaseHold,
    RenewHold,
    RepairStock,
    ReportHoldExpiry,
    SetStockPolicy,
    TransferHold,
    TransferStock,
    WriteOffStock,
)
from ordercore.inventory.events import (
    HoldExpired,
    HoldReleased,
    HoldRenewed,
    HoldTransferred,
    StockAdjusted,
    StockCounted,
    StockDamaged,
    StockExpected,
    StockHeld,
    StockPolicySet,
    StockReceived,
    StockRepaired,
    StockTransferred,
    StockWrittenOff,
)
from ordercore.inventory.model import (
    Allocation,
    Counters,
    Hold,
    StockPlace,
)
from ordercore.inventory.reserve import BackorderRule, plan_allotments, plan_reservation
from ordercore.inventory.sourcing import InOrder, Strategy
from ordercore.inventory.status import may

__all__ = [
    "HoldClosedError",
    "HoldExistsError",
    "InvalidDeadlineError",
    "StockBasis",
    "StockCommand",
    "UnknownHoldError",
    "decide_stock",
    "evolve_hold",
    "evolve_stock",
    "learn_stock",
    "wake_hold",
]

StockCommand = (
    AdjustStock
    | CountStock
    | ExpectStock
    | HoldStock
    | MarkDamaged
    | ReceiveStock
    | ReleaseHold
    | RenewHold
    | RepairStock
    | ReportHoldExpiry
    | SetStockPolicy
    | TransferHold
    | TransferStock
    | WriteOffStock
)
"""Everything that can be asked of an operation's stream."""


@define
class InvalidDeadlineError(InvalidValueError):
    """The deadline of a hold is not usable."""

    sentence = "A hold cannot end at {until}: {problem}."
    until: datetime
    problem: str


@define
class UnknownHoldError(NotFoundError):
    """There is no such hold."""

    sentence = "There is no such hold; hold the units first."


@define
class HoldClosedError(RefusedError):
    """The hold has ended and cannot do this any more."""

    sentence = "The hold {owner} has ended ({status}); reserve the units anew."
    owner: StreamId
    status: str


@define
class HoldExistsError(RefusedError):
    """The hold is open and holds other units."""

    sentence = "The hold {owner} holds other units already; release it or use a new id."
    owner: StreamId


@frozen(kw_only=True)
class StockBasis:
    """
    What a decision about stock is made from, besides the facts of its stream.

    Args:
        counters: Of the items wanted, as the store has them now.
        held: What the owner holds by the store's own rows; None: as its facts say.
        strategy: From where a hold takes its units.
        longest: How far ahead a hold may end.
    """

    counters: Mapping[StockPlace, Counters] = field(factory=dict[StockPlace, Counters])
    held: tuple[Allocation, ...] | None = None
    strategy: Strategy = field(factory=InOrder)
    longest: timedelta = timedelta(days=7)


NO_BASIS: Final = StockBasis()


def decide_stock(
    state: Hold | None, command: StockCommand, now: datetime, *, basis: StockBasis = NO_BASIS
) -> tuple[Event, ...]:
    """
    The facts that *command* adds to an operation's stream.

    Truths (receive, count, damage …) are always accepted; what they do to promises is the store's
    to settle in the same commit. A report is never refused.

    Raises:
        OutOfStockError: The units of a hold cannot be had, or not by the allotments that bind it.
        InvalidDeadlineError: The deadline is over, or further ahead than allowed.
        UnknownHoldError, HoldClosedError: There is no such hold, or it has ended.

    Source:
        RULES I-2, I-4, I-11, I-12.
    """
    match command:
        case HoldStock() | RenewHold() | ReleaseHold() | TransferHold() | ReportHoldExpiry():
            return _about_hold(state, command, now, basis)
        case SetStockPolicy() | ExpectStock() | ReceiveStock() | TransferStock():
            return (_arrival(command, now),)
        case _:
            return (_truth(command, now),)


def _arrival(
    command: SetStockPolicy | ExpectStock | ReceiveStock | TransferStock, now: datetime
) -> Event:
    match command:
        case SetStockPolicy():
            return StockPolicySet(command.lines, at=now)
        case ExpectStock():
            return StockExpected(command.lines, command.reason, at=now)
        case ReceiveStock():
            return StockReceived(command.lines, command.reason, at=now)
        case TransferStock():
            return StockTransferred(command.lines, command.reason, at=now)
        case _ as never:
            assert_never(never)


def _truth(
    command: CountStock | AdjustStock | MarkDamaged | RepairStock | WriteOffStock, now: datetime
) -> Event:
    match command:
        case CountStock():
            return StockCounted(command.lines, command.reason, at=now)
        case AdjustStock():
            return StockAdjusted(command.lines, command.reason, at=now)
        case MarkDamaged():
            return StockDamaged(command.lines, command.reason, at=now)
        case RepairStock():
            return StockRepaired(command.lines, command.reason, at=now)
        case WriteOffStock():
            return StockWrittenOff(command.lines, command.reason, command.sound, at=now)
        case _ as never:
            assert_never(never)


def _about_hold(
    hold: Hold | None,
    command: HoldStock | RenewHold | ReleaseHold | TransferHold | ReportHoldExpiry,
    now: datetime,
    basis: StockBasis,
) -> tuple[Event, ...]:
    if isinstance(command, HoldStock):
        return _held(hold, command, now, basis)
    if isinstance(command, ReportHoldExpiry):
        return _expired(hold, command, basis)
    if hold is None:
        raise UnknownHoldError
    match command:
        case RenewHold():
            return _renewed(hold, command, now, basis)
        case ReleaseHold():
            return _released(hold, command, now, basis)
        case TransferHold():
            return _transferred(hold, command, now, basis)
        case _ as never:
            assert_never(never)


def _held(
    hold: Hold | None, command: HoldStock, now: datetime, basis: StockBasis
) -> tuple[Event, ...]:
    _check_deadline(command.until, now, basis)
    if hold is not None and not may(hold, StockHeld):
        if (hold.wanted, hold.bound_by) == (command.lines, command.bound_by):
            return _renewed(hold, RenewHold(until=command.until), now, basis)
        raise HoldExistsError(hold.owner)
    return (_taken(command, basis, now),)


def _taken(command: HoldStock, basis: StockBasis, now: datetime) -> StockHeld:
    plan = plan_reservation(command.lines, basis.counters, basis.strategy, BackorderRule.NONE)
    allotments = plan_allotments(plan, basis.counters, command.bound_by)
    return StockHeld(
        command.hold, plan, command.until, command.lines, allotments, command.bound_by, at=now
    )


def _check_deadline(until: datetime, now: datetime, basis: StockBasis) -> None:
    if until <= now:
        raise InvalidDeadlineError(until, "it must lie ahead")
    if until - now > basis.longest:
        raise InvalidDeadlineError(until, f"it may be at most {basis.longest} ahead")


def _renewed(hold: Hold, command: RenewHold, now: datetime, basis: StockBasis) -> tuple[Event, ...]:
    """The deadline moves; an expired or released hold is taken anew, or refused."""
    _check_deadline(command.until, now, basis)
    if may(hold, HoldRenewed):
        return () if hold.until == command.until else (HoldRenewed(command.until, at=now),)
    if not may(hold, RenewHold):
        raise HoldClosedError(hold.owner, hold.status)
    again = HoldStock(
        hold=hold.owner, lines=hold.wanted, until=command.until, bound_by=hold.bound_by
    )
    return (_taken(again, basis, now),)


def _present(
    hold: Hold, basis: StockBasis
) -> tuple[tuple[Allocation, ...], tuple[Allocation, ...]]:
    """What the hold really holds, goods and allotments: by the store's rows where given."""
    if basis.held is None:
        return hold.allocations, hold.allotments
    allotted = {at.place for at in hold.allotments}
    goods = tuple(at for at in basis.held if at.place not in allotted)
    return goods, tuple(at for at in basis.held if at.place in allotted)


def _released(
    hold: Hold, command: ReleaseHold, now: datetime, basis: StockBasis
) -> tuple[Event, ...]:
    """What is still held of the lines asked for; nothing when that is nothing."""
    if not may(hold, HoldReleased):
        return ()
    goods, allotted = _present(hold, basis)
    named = set(command.lines) or {line.line for line in hold.wanted}
    left = {at.line for at in (*goods, *hold.allocations)} - named
    goods = tuple(at for at in goods if at.line in named)
    allotted = tuple(at for at in allotted if at.line in named)
    if left and not goods and not allotted:
        return ()
    return (HoldReleased(hold.owner, goods, allotted, not left, at=now),)


def _transferred(
    hold: Hold, command: TransferHold, now: datetime, basis: StockBasis
) -> tuple[Event, ...]:
    if not may(hold, HoldTransferred):
        raise HoldClosedError(hold.owner, hold.status)
    goods, allotted = _present(hold, basis)
    return (HoldTransferred(hold.owner, command.to, goods, allotted, at=now),)


def _expired(hold: Hold | None, command: ReportHoldExpiry, basis: StockBasis) -> tuple[Event, ...]:
    """A report: told early, twice or of nothing, it changes nothing."""
    if hold is None or not may(hold, HoldExpired) or command.at < hold.until:
        return ()
    goods, allotted = _present(hold, basis)
    return (HoldExpired(hold.owner, goods, allotted, at=command.at),)


def wake_hold(hold: Hold | None) -> datetime | None:
    """When a hold has to be looked at again; None when it has ended."""
    return hold.until if hold is not None and may(hold, HoldExpired) else None
