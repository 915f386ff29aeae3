"""
May this come back? Deciding about returns, and folding what was decided.

`decide_returns` refuses requests with a reason and never refuses a report. `evolve_returns` is
total. The law behind all of it: what has come back and what is announced are disjoint sets of
slots inside *dispatched minus lost* (RULES R-2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar, cast

from ordercore.facts import Event
from ordercore.ids import LineId
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns import _receive
from ordercore.returns import commands as cmd
from ordercore.returns import events as ev
from ordercore.returns._basis import (
    AlreadyScrappedError,
    CannotGrantError,
    KnownReturnError,
    NotReturnableError,
    ReturnExceedsDispatchedError,
    ReturnsBasis,
    ReturnWindowClosedError,
    SerialMismatchError,
    UnknownReturnError,
    UnknownReturnLineError,
    WithdrawalRightError,
    check_step,
    facts_of,
    rma_of,
    taken,
)
from ordercore.returns._evolve import evolve_returns
from ordercore.returns._fields import InvalidReturnError
from ordercore.returns.model import ReturnItem, ReturnsState
from ordercore.returns.policy import Eligibility, eligibility, may_grant
from ordercore.returns.status import RMA

__all__ = [
    "AlreadyScrappedError",
    "CannotGrantError",
    "KnownReturnError",
    "NotReturnableError",
    "ReturnExceedsDispatchedError",
    "ReturnWindowClosedError",
    "ReturnsBasis",
    "SerialMismatchError",
    "UnknownReturnError",
    "UnknownReturnLineError",
    "WithdrawalRightError",
    "decide_returns",
    "decide_unmatched",
    "evolve_returns",
    "returnable",
]

_Command = cmd.ReturnsRequest | cmd.ReturnsReport
_C = TypeVar("_C", bound=_Command)
_Events = tuple[Event, ...]
_Decide = Callable[[ReturnsState, _Command, datetime, ReturnsBasis], _Events]


def decide_returns(
    state: ReturnsState, command: _Command, now: datetime, *, basis: ReturnsBasis
) -> _Events:
    """
    The facts that a command adds; none where it says nothing new.

    Raises:
        ReturnExceedsDispatchedError: More units than were sent and are neither back nor announced.
        NotReturnableError, ReturnWindowClosedError: The policy forbids it.
        CannotGrantError: Somebody lets an exception pass who may not.
        WithdrawalRightError: What is the customer's by law would be rejected.
        NotAllowedError: The return is in a status in which it cannot be.
        AlreadyScrappedError, KnownReturnError, SerialMismatchError, UnknownReturnError,
        UnknownReturnLineError, InvalidReturnError: What is named is wrong.

    A report raises none of them.

    Source:
        RULES R-1 to R-4.
    """
    return _DECISIONS[type(command)](state, command, now, basis)


def decide_unmatched(command: cmd.ReceiveUnmatchedReturn, now: datetime) -> _Events:
    """Goods that match no purchase are recorded as such (RULES R-6)."""
    if not command.items:
        raise InvalidReturnError("items", "name at least one unit")
    return (
        ev.UnmatchedReturnReceived(
            at=now, location=command.location, items=command.items, note=command.note
        ),
    )


def returnable(state: ReturnsState, line: LineId, basis: ReturnsBasis) -> SlotSet:
    """
    The slots of a line that may still be announced, whatever the policy says.

    Source:
        RULES R-2.
    """
    out = basis.dispatched.get(line, NO_SLOTS) - basis.lost.get(line, NO_SLOTS)
    out -= basis.sent_back.get(line, NO_SLOTS)
    for done in (state.received, state.requested, state.kept):
        out -= done.get(line, NO_SLOTS)
    return out


def _request(
    state: ReturnsState, command: cmd.RequestReturn, now: datetime, basis: ReturnsBasis
) -> _Events:
    if command.return_id in state.rmas:
        raise KnownReturnError(command.return_id)
    if not command.items:
        raise InvalidReturnError("items", "name at least one unit")
    granted = command.granted_by
    if granted is not None and not may_grant(basis.policy, granted):
        raise CannotGrantError(granted)
    gone: dict[LineId, SlotSet] = {}
    items: list[ReturnItem] = []
    for wish in command.items:
        line = wish.units.line
        answer = eligibility(
            basis.policy, facts_of(basis, line), wish.reason, now=now, opened=wish.opened
        )
        if not answer.allowed and granted is None:
            raise _refusal(line, answer)
        before = gone.get(line, NO_SLOTS)
        free = returnable(state, line, basis) - before
        delivered = basis.delivered.get(line, NO_SLOTS)
        slots = taken(wish.units, (free & delivered, free), basis)
        gone[line] = before | slots
        items.append(_item(wish, slots, answer))
    requested = ev.ReturnRequested(
        at=now,
        return_id=command.return_id,
        items=tuple(items),
        purpose=command.purpose,
        expects_goods=command.expects_goods,
        granted_by=granted or "",
        grant_reason=command.grant_reason,
    )
    if not basis.policy.approve_automatically:
        return (requested,)
    return requested, ev.ReturnApproved(at=now, return_id=command.return_id)


def _item(wish: cmd.ReturnWish, slots: SlotSet, answer: Eligibility) -> ReturnItem:
    return ReturnItem(
        line=wish.units.line,
        slots=slots,
        reason=wish.reason,
        note=wish.note,
        freight=answer.freight,
        rule=answer.rule if answer.allowed else f"granted although {answer.rule}",
        is_right=answer.is_right,
    )


def _refusal(line: LineId, answer: Eligibility) -> NotReturnableError | ReturnWindowClosedError:
    if answer.until is not None:
        return ReturnWindowClosedError(line, answer.until)
    return NotReturnableError(line, answer.rule)


def _approve(
    state: ReturnsState, command: cmd.ApproveReturn, now: datetime, _: ReturnsBasis
) -> _Events:
    rma = rma_of(state, command.return_id)
    check_step(rma, ev.ReturnApproved)
    return (ev.ReturnApproved(at=now, return_id=rma.id),)


def _reject(
    state: ReturnsState, command: cmd.RejectReturn, now: datetime, _: ReturnsBasis
) -> _Events:
    rma = rma_of(state, command.return_id)
    check_step(rma, ev.ReturnRejected)
    if any(item.is_right for item in rma.items):
        raise WithdrawalRightError(rma.id)
    return (ev.ReturnRejected(at=now, return_id=rma.id, reason=command.reason),)


def _label(
    state: ReturnsState, command: cmd.LabelReturn, now: datetime, _: ReturnsBasis
) -> _Events:
    rma = rma_of(state, command.return_id)
    check_step(rma, ev.ReturnLabelled)
    return (
        ev.ReturnLabelled(
            at=now,
            return_id=rma.id,
            carrier=command.carrier,
            tracking_number=command.tracking_number,
            label=command.label,
        ),
    )


def _close(
    state: ReturnsState, command: cmd.CloseReturn, now: datetime, _: ReturnsBasis
) -> _Events:
    rma = rma_of(state, command.return_id)
    check_step(rma, ev.ReturnClosed)
    return (ev.ReturnClosed(at=now, return_id=rma.id, reason=command.reason),)


def _report_moved(
    state: ReturnsState, report: cmd.ReportReturnMoved, _: datetime, __: ReturnsBasis
) -> _Events:
    rma = state.rmas.get(report.return_id)
    if rma is None or RMA.refusal(rma.status, ev.ReturnMoved, rma) is not None:
        return ()
    return (ev.ReturnMoved(at=report.at, return_id=rma.id, raw=report.raw),)


def _on(
    kind: type[_C], decide: Callable[[ReturnsState, _C, datetime, ReturnsBasis], _Events]
) -> tuple[type[object], _Decide]:
    """One row of the table; the kind of command and its decision belong together."""
    return kind, cast("_Decide", decide)


_DECISIONS: Final[Mapping[type[object], _Decide]] = dict(
    (
        _on(cmd.RequestReturn, _request),
        _on(cmd.ApproveReturn, _approve),
        _on(cmd.RejectReturn, _reject),
        _on(cmd.LabelReturn, _label),
        _on(cmd.ReceiveReturn, _receive.receive),
        _on(cmd.InspectReturn, _receive.inspect),
        _on(cmd.CloseReturn, _close),
        _on(cmd.ReportReturnMoved, _report_moved),
    )
)
