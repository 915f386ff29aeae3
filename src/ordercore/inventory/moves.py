"""
How a move changes the counters, and which promise it must keep. The table is the whole rule.

Adding a move to the ledger always adds `EFFECTS` of its kind to the counters, so counters are the
sum of the ledger, whatever the order of commits. Only a COUNT sets a figure.

A store applies the moves of one commit like this, in one transaction:

1. ``deltas = net(move for cause, move in changes.moves)``: one `Delta` per place, sorted, so that
   nobody deadlocks and a hold of the last unit can become an order.
2. Each delta is one conditional write: `apply` in memory, or in SQL an ``UPDATE`` whose ``WHERE``
   says what `broken_bound` says. With ``o = coalesce(counted, on_hand) + Δon_hand`` and every other
   figure primed for *after*::

       reserved' >= 0 AND queued' >= 0 AND unavailable' >= 0 AND incoming' >= 0
       AND (NOT tracked
            OR ((NOT promises
                 OR o - reserved' - unavailable' - safety_stock - (queued' - waiting) >= 0)
                AND (NOT queues
                     OR ((backorder_limit IS NULL OR queued' <= backorder_limit)
                         AND o - reserved' - unavailable' - safety_stock
                             - (queued' - waiting) <= 0))))

   No row was changed: `refusal` says why, from a fresh read.
3. Each move of `OWNED_KINDS` also changes one `Reservation` row: `apply_reservation`.
4. `policies_of` an event sets the policy columns of its places.
5. Where the counters after that are ``is_restless``, `reserve.rebalance` gives the fill or requeue
   moves, which are applied in the same transaction and wake their owners.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, evolve, frozen

from ordercore.errors import OrderCoreError, RefusedError
from ordercore.facts import Event
from ordercore.ids import ItemId, LocationId
from ordercore.inventory._effects import EFFECTS, OWNED_KINDS, Bound, Effect
from ordercore.inventory._rows import (
    CauseReusedError,
    OwnerlessMoveError,
    ReservationChangedError,
    apply_reservation,
    unapplied,
)
from ordercore.inventory.events import StockPolicySet
from ordercore.inventory.model import (
    Counters,
    MoveKind,
    MovesStock,
    OutOfStockError,
    Shortage,
    StockMove,
    StockPlace,
    StockPolicy,
)

__all__ = [
    "EFFECTS",
    "OWNED_KINDS",
    "BelowZeroError",
    "Bound",
    "CauseReusedError",
    "Delta",
    "Effect",
    "OwnerlessMoveError",
    "ReservationChangedError",
    "apply",
    "apply_reservation",
    "broken_bound",
    "moves_of",
    "net",
    "policies_of",
    "refusal",
    "unapplied",
    "with_policy",
]


@define
class BelowZeroError(RefusedError):
    """A figure would fall below zero: more is taken back than was recorded."""

    sentence = "{item} at {location}: only {recorded} {figure} are recorded, not {asked}."
    item: str
    location: str
    figure: str
    recorded: int
    asked: int


@frozen(kw_only=True)
class Delta:
    """
    What one commit changes at one place, netted.

    ``counted`` replaces what is on hand before ``on_hand`` is added. ``promises``: units are taken
    for somebody on balance; ``queues``: places in the queue are. ``waiting`` are the units that
    this commit itself puts into the queue: they do not stand before its own reserve.
    """

    place: StockPlace
    counted: int | None = None
    on_hand: int = 0
    reserved: int = 0
    queued: int = 0
    unavailable: int = 0
    incoming: int = 0
    promises: bool = False
    queues: bool = False
    waiting: int = 0


@define
class _Sum:
    """A delta while it is added up."""

    counted: int | None = None
    on_hand: int = 0
    reserved: int = 0
    queued: int = 0
    unavailable: int = 0
    incoming: int = 0
    promised: int = 0
    queueing: int = 0
    waiting: int = 0

    def add(self, move: StockMove) -> None:
        effect, quantity = EFFECTS[move.kind], move.quantity
        if move.kind is MoveKind.COUNT:
            self.counted, self.on_hand = quantity, 0
        self.on_hand += effect.on_hand * quantity
        self.reserved += effect.reserved * quantity
        self.queued += effect.queued * quantity
        self.unavailable += effect.unavailable * quantity
        self.incoming += effect.incoming * quantity
        if effect.bound is Bound.PROMISE:
            self.promised += quantity
        elif effect.bound is Bound.QUEUE:
            self.queueing += quantity
            self.waiting += quantity
        elif move.kind is MoveKind.RELEASE:
            self.promised -= quantity
        elif move.kind is MoveKind.UNQUEUE:
            self.queueing -= quantity

    def delta(self, place: StockPlace) -> Delta:
        return Delta(
            place=place,
            counted=self.counted,
            on_hand=self.on_hand,
            reserved=self.reserved,
            queued=self.queued,
            unavailable=self.unavailable,
            incoming=self.incoming,
            promises=self.promised > 0,
            queues=self.queueing > 0,
            waiting=self.waiting,
        )


def moves_of(event: Event) -> tuple[StockMove, ...]:
    """The stock moves of an event; none when it moves nothing."""
    return event.moves if isinstance(event, MovesStock) else ()


def policies_of(event: Event) -> tuple[tuple[StockPlace, StockPolicy], ...]:
    """The policies that an event sets, by place; none when it sets nothing."""
    if not isinstance(event, StockPolicySet):
        return ()
    return tuple((line.place, line.policy) for line in event.lines)


def with_policy(counters: Counters, policy: StockPolicy) -> Counters:
    """The same figures under another policy."""
    return evolve(
        counters,
        safety_stock=policy.safety_stock,
        backorder_limit=policy.backorder_limit,
        tracked=policy.tracked,
        allotment=policy.allotment,
    )


def net(moves: Iterable[StockMove]) -> dict[StockPlace, Delta]:
    """
    One delta per place, in ascending order of places, before any bound is checked.

    Source:
        RULES I-2, I-4: a hold of the last unit becomes an order because only the net counts.
    """
    sums: dict[tuple[ItemId, LocationId], _Sum] = {}
    for move in moves:
        key = (move.item, move.location)
        total = sums.get(key)
        if total is None:
            total = sums[key] = _Sum()
        total.add(move)
    places = ((StockPlace(*key), sums[key]) for key in sorted(sums))
    return {place: total.delta(place) for place, total in places}


def _after(counters: Counters, delta: Delta) -> tuple[int, int, int, int, int]:
    """The figures after the delta: on hand, reserved, queued, unavailable, incoming."""
    start = counters.on_hand if delta.counted is None else delta.counted
    return (
        start + delta.on_hand,
        counters.reserved + delta.reserved,
        counters.queued + delta.queued,
        counters.unavailable + delta.unavailable,
        counters.incoming + delta.incoming,
    )


def broken_bound(counters: Counters, delta: Delta) -> Bound | None:
    """
    Which promise the delta would break, or None when it keeps them all.

    Judged by the figures after it. Those who wait already stand before a new reserve
    (``queued - waiting``), those whom this commit itself queues do not.

    Source:
        RULES I-2.
    """
    on_hand, reserved, queued, unavailable, _ = _after(counters, delta)
    left = on_hand - reserved - unavailable - counters.safety_stock - (queued - delta.waiting)
    if not counters.tracked:
        return None
    if delta.promises and left < 0:
        return Bound.PROMISE
    limit = counters.backorder_limit
    if delta.queues and (left > 0 or (limit is not None and queued > limit)):
        return Bound.QUEUE
    return None


def apply(counters: Counters, delta: Delta) -> Counters:
    """
    The counters after the delta.

    Raises:
        OutOfStockError: More is promised than can be supplied.
        BelowZeroError: More is taken back than was recorded.

    Source:
        RULES I-2.
    """
    on_hand, reserved, queued, unavailable, incoming = after = _after(counters, delta)
    if min(after[1:]) < 0 or broken_bound(counters, delta) is not None:
        raise refusal(counters, delta)
    return evolve(
        counters,
        on_hand=on_hand,
        reserved=reserved,
        queued=queued,
        unavailable=unavailable,
        incoming=incoming,
    )


def refusal(counters: Counters, delta: Delta) -> OrderCoreError:
    """
    Why the delta cannot be applied to these counters, as the error to raise.

    When nothing forbids it by these figures, which were read later, it is out of stock all the
    same: the conditional write found it so, and the caller plans anew.
    """
    place = delta.place
    names = ("reserved", "queued", "unavailable", "incoming")
    for name, figure in zip(names, _after(counters, delta)[1:], strict=True):
        if figure < 0:
            recorded: int = getattr(counters, name)
            return BelowZeroError(place.item, place.location, name, recorded, recorded - figure)
    room = counters.can_queue
    wanted = max(0, delta.reserved) + max(0, delta.queued) or -delta.on_hand
    supplied = counters.available + ((room or 0) if delta.queues else 0)
    short = Shortage(
        item=place.item,
        wanted=wanted,
        supplied=min(supplied, wanted),
        location=place.location,
    )
    return OutOfStockError((short,))
