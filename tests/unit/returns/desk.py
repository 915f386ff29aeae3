"""A small order that comes back, for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.ids import ItemId, LineId, LocationId, ReturnId, StreamId
from ordercore.pricing.slots import SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns.decide import ReturnsBasis, decide_returns, evolve_returns
from ordercore.returns.model import Grade, ReturnReason, ReturnsState, ReturnUnits
from ordercore.returns.policy import ReturnFacts, ReturnPolicy

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OWNER = StreamId("order-1")
DOCK = LocationId("dock")
SHOP = LocationId("shop")
R1 = ReturnId("r-1")
R2 = ReturnId("r-2")
TEA = LineId("1-tea")
CUP = LineId("2-cup")

POLICY = ReturnPolicy()
BASIS = ReturnsBasis(
    owner=OWNER,
    policy=POLICY,
    lines={
        TEA: ReturnFacts(item=ItemId("tea"), category="food", last_delivered_at=NOW),
        CUP: ReturnFacts(item=ItemId("cup"), last_delivered_at=NOW),
    },
    dispatched={TEA: SlotSet.of(0, 4), CUP: SlotSet.of(0, 2)},
    delivered={TEA: SlotSet.of(0, 3), CUP: SlotSet.of(0, 2)},
)

Command = cmd.ReturnsRequest | cmd.ReturnsReport


def days(number: int) -> datetime:
    """So many days after the delivery."""
    return NOW + timedelta(days=number)


def with_policy(policy: ReturnPolicy) -> ReturnsBasis:
    return changed(BASIS, policy=policy)


def units(line: LineId = TEA, quantity: int = 0, *, slots: SlotSet | None = None) -> ReturnUnits:
    return ReturnUnits(line=line, quantity=quantity, slots=slots or SlotSet())


def wish(
    line: LineId = TEA,
    quantity: int = 1,
    *,
    reason: ReturnReason = ReturnReason.CHANGED_MIND,
    opened: bool = False,
) -> cmd.ReturnWish:
    return cmd.ReturnWish(units=units(line, quantity), reason=reason, opened=opened)


def request(*wishes: cmd.ReturnWish, return_id: ReturnId = R1) -> cmd.RequestReturn:
    return cmd.RequestReturn(return_id=return_id, items=wishes)


def receive(
    *items: ReturnUnits, return_id: ReturnId = R1, location: LocationId = DOCK
) -> cmd.ReceiveReturn:
    return cmd.ReceiveReturn(return_id=return_id, items=items, location=location)


def found(what: ReturnUnits, grade: Grade = Grade.A_NEW) -> cmd.Finding:
    return cmd.Finding(units=what, grade=grade)


def inspect(*results: cmd.Finding, return_id: ReturnId = R1) -> cmd.InspectReturn:
    return cmd.InspectReturn(return_id=return_id, results=results)


def decided(
    state: ReturnsState, command: Command, basis: ReturnsBasis = BASIS, now: datetime = NOW
) -> tuple[Event, ...]:
    return decide_returns(state, command, now, basis=basis)


def fold(state: ReturnsState, events: Iterable[Event]) -> ReturnsState:
    for event in events:
        state = evolve_returns(state, event)
    return state


def after(*commands: Command, basis: ReturnsBasis = BASIS) -> ReturnsState:
    """The state after these commands."""
    state = ReturnsState()
    for command in commands:
        state = fold(state, decided(state, command, basis))
    return state
