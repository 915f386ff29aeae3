"""
Deciding about goods that have come; `ordercore.returns.decide` is the door.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import LineId
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns import events as ev
from ordercore.returns._basis import (
    AlreadyScrappedError,
    ReturnsBasis,
    check_step,
    facts_of,
    rma_of,
    taken,
)
from ordercore.returns._fields import InvalidReturnError
from ordercore.returns.model import (
    Disposition,
    InspectedItem,
    Inspection,
    ReceivedItem,
    ReturnsState,
    Rma,
)
from ordercore.returns.policy import grade_rule

__all__ = ["inspect", "receive"]

_Events = tuple[Event, ...]


def receive(
    state: ReturnsState, command: cmd.ReceiveReturn, now: datetime, basis: ReturnsBasis
) -> _Events:
    """Goods came back, announced or not; more than were sent are refused (RULES R-2, R-6)."""
    rma = state.rmas.get(command.return_id)
    if rma is not None:
        check_step(rma, ev.ReturnReceived)
    if not command.items:
        raise InvalidReturnError("items", "name at least one unit")
    gone: dict[LineId, SlotSet] = {}
    items: list[ReceivedItem] = []
    for units in command.items:
        line = units.line
        facts = facts_of(basis, line)
        pools = _receivable(state, rma, line, basis)
        before = gone.get(line, NO_SLOTS)
        slots = taken(units, tuple(pool - before for pool in pools), basis)
        gone[line] = before | slots
        there = slots & basis.arrived.get(line, NO_SLOTS)
        item = ReceivedItem(line=line, item=facts.item, slots=slots, tracked=facts.tracked)
        items += (
            evolve(item, slots=part, in_stock_already=known)
            for part, known in ((slots - there, False), (there, True))
            if part
        )
    return (
        ev.ReturnReceived(
            at=now,
            owner=basis.owner,
            return_id=command.return_id,
            location=command.location,
            items=tuple(items),
        ),
    )


def _receivable(
    state: ReturnsState, rma: Rma | None, line: LineId, basis: ReturnsBasis
) -> tuple[SlotSet, ...]:
    """What may come back, best guess first: announced here, refused, unannounced, the rest."""
    out = basis.dispatched.get(line, NO_SLOTS) - basis.lost.get(line, NO_SLOTS)
    out -= state.received.get(line, NO_SLOTS)
    announced_here = NO_SLOTS if rma is None else rma.awaited.get(line, NO_SLOTS)
    unannounced = out - state.requested.get(line, NO_SLOTS)
    return (
        announced_here & out,
        basis.sent_back.get(line, NO_SLOTS) & unannounced,
        basis.delivered.get(line, NO_SLOTS) & unannounced,
        unannounced,
        out,
    )


def inspect(
    state: ReturnsState, command: cmd.InspectReturn, now: datetime, basis: ReturnsBasis
) -> _Events:
    """Units are graded; what says nothing new adds nothing (RULES R-4)."""
    rma = rma_of(state, command.return_id)
    check_step(rma, ev.ReturnInspected)
    if not command.results:
        raise InvalidReturnError("results", "name at least one unit")
    gone: dict[LineId, SlotSet] = {}
    results: list[InspectedItem] = []
    for finding in command.results:
        line = finding.units.line
        result = _told(finding, basis)
        before = gone.get(line, NO_SLOTS)
        pools = _inspectable(state, rma, result)
        slots = taken(finding.units, tuple(pool - before for pool in pools), basis)
        gone[line] = before | slots
        results += _news(state, rma, evolve(result, slots=slots))
    if not results:
        return ()
    event = ev.ReturnInspected(at=now, owner=basis.owner, return_id=rma.id, results=tuple(results))
    return (event,)


def _told(finding: cmd.Finding, basis: ReturnsBasis) -> InspectedItem:
    """The finding, with what the policy adds to it; its slots are still to be found."""
    facts = facts_of(basis, finding.units.line)
    rule = grade_rule(basis.policy, finding.grade)
    return InspectedItem(
        line=finding.units.line,
        item=facts.item,
        slots=NO_SLOTS,
        grade=finding.grade,
        disposition=finding.disposition or rule.disposition,
        accepted=rule.accepted if finding.accepted is None else finding.accepted,
        deduction=rule.deduction if finding.deduction is None else finding.deduction,
        tracked=facts.tracked,
    )


def _inspectable(state: ReturnsState, rma: Rma, result: InspectedItem) -> tuple[SlotSet, ...]:
    """The slots that the finding may be about, best guess first."""
    line = result.line
    if result.disposition is Disposition.KEEP:
        own = NO_SLOTS
        for item in rma.items:
            own |= item.slots if item.line == line else NO_SLOTS
        return rma.awaited.get(line, NO_SLOTS), own & state.kept.get(line, NO_SLOTS)
    came = rma.received(line)
    seen = NO_SLOTS
    for old in state.findings.get(line, ()):
        seen |= old.slots
    return came - seen, came


def _news(state: ReturnsState, rma: Rma, result: InspectedItem) -> Iterator[InspectedItem]:
    """The finding in pieces with one past and one place each, without those that are not new."""
    rest = result.slots
    for old in state.findings.get(result.line, ()):
        part = rest & old.slots
        rest -= part
        if part and _finding_of(result) != _finding_of(old):
            if old.disposition is Disposition.SCRAP is not result.disposition:
                raise AlreadyScrappedError(result.line)
            yield from _placed(rma, evolve(result, slots=part, before=old.disposition))
    if rest:
        yield from _placed(rma, evolve(result, slots=rest))


def _finding_of(result: InspectedItem | Inspection) -> tuple[object, ...]:
    return result.grade, result.disposition, result.accepted, result.deduction


def _placed(rma: Rma, result: InspectedItem) -> Iterator[InspectedItem]:
    if result.disposition is Disposition.KEEP:
        yield result
        return
    for stored in rma.stored.get(result.line, ()):
        part = result.slots & stored.slots
        if part:
            yield evolve(result, slots=part, location=stored.location)
