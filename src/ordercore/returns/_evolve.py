"""
Folding the facts of returns; `ordercore.returns.decide` is the door.

Each event touches the lines that it names and no others, and nothing here refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeVar, cast

from attrs import evolve, field, frozen

from ordercore.facts import Event
from ordercore.ids import LineId, ReturnId
from ordercore.machine import NotAllowedError
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns import events as ev
from ordercore.returns.model import (
    Disposition,
    InspectedItem,
    Inspection,
    ReturnsState,
    ReturnTotals,
    Rma,
    RmaStatus,
    StoredUnits,
)
from ordercore.returns.status import RMA

__all__ = ["evolve_returns"]


class _AboutReturn(Protocol):
    @property
    def return_id(self) -> ReturnId: ...


_E = TypeVar("_E", bound=Event)
_A = TypeVar("_A", bound=_AboutReturn)
_Fold = Callable[[ReturnsState, Event], ReturnsState]
_Slots = Mapping[LineId, SlotSet]


def evolve_returns(state: ReturnsState, event: Event) -> ReturnsState:
    """The state after one more fact; facts of other rooms change nothing."""
    fold = _FOLDS.get(type(event))
    return state if fold is None else fold(state, event)


def _on_rma(change: Callable[[Rma, _A], Rma]) -> Callable[[ReturnsState, _A], ReturnsState]:
    """The fold of a fact about one return that changes nothing else."""

    def fold(state: ReturnsState, event: _A) -> ReturnsState:
        rma = state.rmas.get(event.return_id)
        return state if rma is None else _put(state, change(rma, event))

    return fold


def _put(state: ReturnsState, *rmas: Rma) -> ReturnsState:
    return evolve(state, rmas={**state.rmas, **{rma.id: rma for rma in rmas}})


def _stepped(rma: Rma, kind: type[Event]) -> Rma:
    """The return with the status that the table gives; the same status where it has none."""
    try:
        return evolve(rma, status=RMA.next(rma.status, kind, rma))
    except NotAllowedError:
        return rma


def _requested(state: ReturnsState, event: ev.ReturnRequested) -> ReturnsState:
    announced = _union((item.line, item.slots) for item in event.items)
    rma = Rma(
        id=event.return_id,
        purpose=event.purpose,
        items=event.items,
        expects_goods=event.expects_goods,
        awaited=announced,
        granted_by=event.granted_by,
        requested_at=event.at,
    )
    return _changed(_put(state, rma), requested=_Change(add=announced))


def _approved(rma: Rma, event: ev.ReturnApproved) -> Rma:
    return _stepped(rma, type(event))


def _labelled(rma: Rma, event: ev.ReturnLabelled) -> Rma:
    return evolve(
        _stepped(rma, type(event)),
        carrier=event.carrier,
        tracking_number=event.tracking_number,
        label=event.label,
    )


def _moved(rma: Rma, event: ev.ReturnMoved) -> Rma:
    return _stepped(rma, type(event))


def _rejected(state: ReturnsState, event: ev.ReturnRejected) -> ReturnsState:
    rma = state.rmas.get(event.return_id)
    if rma is None:
        return state
    after = evolve(_stepped(rma, type(event)), reject_reason=event.reason, awaited={})
    return _changed(_put(state, after), requested=_Change(remove=rma.awaited))


def _closed(state: ReturnsState, event: ev.ReturnClosed) -> ReturnsState:
    rma = state.rmas.get(event.return_id)
    if rma is None:
        return state
    after = evolve(_stepped(rma, type(event)), awaited={})
    return _changed(_put(state, after), requested=_Change(remove=rma.awaited))


def _received(state: ReturnsState, event: ev.ReturnReceived) -> ReturnsState:
    known = state.rmas.get(event.return_id)
    if known is None:
        known = Rma(id=event.return_id, status=RmaStatus.RECEIVED)
    came = _union((item.line, item.slots) for item in event.items)
    stored = dict(known.stored)
    for line, slots in came.items():
        units = StoredUnits(slots=slots, location=event.location)
        stored[line] = (*stored.get(line, ()), units)
    rma = evolve(_stepped(known, type(event)), stored=stored, received_at=event.at)
    state = _settled(_put(state, rma), came)
    state = evolve(state, findings=_forgotten(state.findings, came))
    return _changed(state, received=_Change(add=came), kept=_Change(remove=came))


def _inspected(state: ReturnsState, event: ev.ReturnInspected) -> ReturnsState:
    rma = state.rmas.get(event.return_id)
    if rma is not None:
        state = _put(state, _stepped(rma, type(event)))
    findings = dict(_forgotten(state.findings, _slots_of(event.results)))
    for result in event.results:
        findings[result.line] = (*findings.get(result.line, ()), _finding(result))
    without_goods = [one for one in event.results if one.disposition is Disposition.KEEP]
    state = _settled(evolve(state, findings=findings), _slots_of(without_goods))
    return _changed(
        state,
        kept=_Change(add=_slots_of(one for one in without_goods if one.accepted)),
        accepted=_Change(
            add=_slots_of(one for one in event.results if one.accepted),
            remove=_slots_of(one for one in event.results if not one.accepted),
        ),
    )


def _finding(result: InspectedItem) -> Inspection:
    return Inspection(
        slots=result.slots,
        grade=result.grade,
        disposition=result.disposition,
        accepted=result.accepted,
        deduction=result.deduction,
    )


def _slots_of(results: Iterable[InspectedItem]) -> _Slots:
    return _union((result.line, result.slots) for result in results)


def _settled(state: ReturnsState, slots: _Slots) -> ReturnsState:
    """Nobody waits for these slots any longer, whichever return announced them."""
    if not slots:
        return state
    rmas = [
        evolve(rma, awaited=_minus(rma.awaited, slots))
        for rma in state.rmas.values()
        if any(line in rma.awaited for line in slots)
    ]
    return _changed(_put(state, *rmas), requested=_Change(remove=slots))


def _forgotten(
    findings: Mapping[LineId, tuple[Inspection, ...]], slots: _Slots
) -> Mapping[LineId, tuple[Inspection, ...]]:
    """The findings without what they said about *slots*."""
    result = dict(findings)
    for line, gone in slots.items():
        if line in result:
            rest = (evolve(old, slots=old.slots - gone) for old in result[line])
            result[line] = tuple(old for old in rest if old.slots)
    return result


# --- slots by line ------------------------------------------------------------------------------


@frozen(kw_only=True)
class _Change:
    """What is added to and then removed from one of the sets of slots."""

    add: _Slots = field(factory=dict[LineId, SlotSet])
    remove: _Slots = field(factory=dict[LineId, SlotSet])

    def done_to(self, slots: _Slots) -> tuple[_Slots, int]:
        """The changed set, and how many units more it has."""
        result = dict(slots)
        more = 0
        for line in {**self.add, **self.remove}:
            before = result.get(line, NO_SLOTS)
            after = before | self.add.get(line, NO_SLOTS)
            after -= self.remove.get(line, NO_SLOTS)
            more += len(after) - len(before)
            if after:
                result[line] = after
            else:
                result.pop(line, None)
        return result, more


_NO_CHANGE: Final = _Change()


def _changed(
    state: ReturnsState,
    *,
    requested: _Change = _NO_CHANGE,
    received: _Change = _NO_CHANGE,
    kept: _Change = _NO_CHANGE,
    accepted: _Change = _NO_CHANGE,
) -> ReturnsState:
    asked, more_asked = requested.done_to(state.requested)
    came, more_came = received.done_to(state.received)
    agreed, more_agreed = accepted.done_to(state.accepted)
    totals = state.totals
    return evolve(
        state,
        requested=asked,
        received=came,
        kept=kept.done_to(state.kept)[0],
        accepted=agreed,
        totals=ReturnTotals(
            requested=totals.requested + more_asked,
            received=totals.received + more_came,
            accepted=totals.accepted + more_agreed,
        ),
    )


def _union(pairs: Iterable[tuple[LineId, SlotSet]]) -> dict[LineId, SlotSet]:
    result: dict[LineId, SlotSet] = {}
    for line, slots in pairs:
        result[line] = result.get(line, NO_SLOTS) | slots
    return result


def _minus(slots: _Slots, gone: _Slots) -> _Slots:
    rest = {line: own - gone.get(line, NO_SLOTS) for line, own in slots.items()}
    return {line: own for line, own in rest.items() if own}


def _on(
    kind: type[_E], fold: Callable[[ReturnsState, _E], ReturnsState]
) -> tuple[type[Event], _Fold]:
    """One row of the table; the kind of event and its fold belong together."""
    return kind, cast("_Fold", fold)


_FOLDS: Final[Mapping[type[Event], _Fold]] = dict(
    (
        _on(ev.ReturnRequested, _requested),
        _on(ev.ReturnApproved, _on_rma(_approved)),
        _on(ev.ReturnRejected, _rejected),
        _on(ev.ReturnLabelled, _on_rma(_labelled)),
        _on(ev.ReturnMoved, _on_rma(_moved)),
        _on(ev.ReturnReceived, _received),
        _on(ev.ReturnInspected, _inspected),
        _on(ev.ReturnClosed, _closed),
    )
)
