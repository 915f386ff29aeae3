"""
What a gateway answers to our own calls and questions, as facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, assert_never

from attrs import define

from ordercore.errors import BrokenContractError
from ordercore.facts import Event
from ordercore.ids import Key, Reference
from ordercore.payment._case import Case
from ordercore.payment.answers import (
    ActionRequired,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.commands import BY_HAND, ReportAnswer
from ordercore.payment.events import (
    OperationActionRequired,
    OperationDeclined,
    OperationInDoubt,
    OperationNeverHappened,
    OperationParked,
    OperationPending,
    OperationSucceeded,
)
from ordercore.payment.model import (
    OPEN,
    REFUSALS,
    About,
    Operation,
    OperationState,
    OperationStatus,
    WaitingReport,
)

__all__ = ["OVER", "UNDECIDED", "ReplyMismatchError", "absorb_answer", "retry_at"]

OVER: Final = frozenset({OperationStatus.FAILED, OperationStatus.EXPIRED})
"""The outside has taken it back: nothing that it says later counts."""
UNDECIDED: Final = (OPEN - {OperationStatus.PARKED}) | {OperationStatus.NEVER_HAPPENED}
"""Statuses in which "it is under way" is news."""


@define
class ReplyMismatchError(BrokenContractError):
    """
    A gateway's reply contradicts what it was asked (RULES PAY-6).

    Reports are never refused, so it is not raised: its text is why the operation was parked.
    """

    sentence = "The reply to {key} does not fit what was asked: {problem}."
    key: Key
    problem: str


def mismatch(found: OperationState, answer: LookUpAnswer) -> str:
    """Why a reply contradicts the intent; empty where it does not (RULES PAY-6)."""
    match answer:
        case Succeeded() | PartiallyApproved():
            wanted = found.intent.amount
            if answer.amount.currency is not wanted.currency:
                return "another currency"
            if isinstance(answer, Succeeded) and answer.amount != wanted:
                return "another amount"
            if isinstance(answer, PartiallyApproved) and answer.amount >= wanted:
                return "a part that is no less than the whole"
            return _other_reference(found, answer.reference)
        case Pending() | ActionRequired():
            return _other_reference(found, answer.reference)
        case _:
            return ""


def _is_raised(case: Case, found: OperationState, answer: LookUpAnswer) -> bool:
    """Whether an authorisation is told as it stands since one of its increases (RULES PAY-3)."""
    if not isinstance(answer, Succeeded) or _other_reference(found, answer.reference):
        return False
    raised = case.state.aimed_at(found.intent.key, Operation.INCREASE)
    return any(answer.amount == other.intent.amount for other in raised)


def _other_reference(found: OperationState, reference: Reference) -> str:
    known = found.reference
    return "" if known in {None, BY_HAND, reference} else "another reference"


def absorb_answer(case: Case, command: ReportAnswer) -> Iterator[Event]:
    """The facts that an answer adds; none where it says nothing new."""
    found = case.state.operations.get(command.key)
    if found is None:
        yield from _unknown_key(case, command)
        return
    if found.status in OVER:
        return
    problem = mismatch(found, command.answer)
    if problem and not _is_raised(case, found, command.answer):
        yield from _contradiction(found, command, problem)
        return
    yield from _fitting(case, found, command.answer, command.at)


def _name_in(answer: LookUpAnswer) -> Reference | None:
    match answer:
        case Succeeded() | PartiallyApproved() | Pending() | ActionRequired():
            return answer.reference
        case _:
            return None


def _contradiction(found: OperationState, command: ReportAnswer, problem: str) -> Iterator[Event]:
    """Park the operation; that the gateway called it something may be news all the same."""
    told = _name_in(command.answer) if found.reference is None else None
    if not found.mismatch or told is not None:
        yield OperationParked(
            key=command.key,
            reason=str(ReplyMismatchError(command.key, problem)),
            mismatch=True,
            reference=told,
            at=command.at,
        )


def _unknown_key(case: Case, command: ReportAnswer) -> Iterator[Event]:
    waiting = WaitingReport(
        about=About.ANSWER,
        reference=Reference(command.key),
        reason=type(command.answer).__name__,
        at=command.at,
    )
    if not case.state.is_booked(waiting):
        yield from case.wait(waiting)


def _fitting(
    case: Case, found: OperationState, answer: LookUpAnswer, at: datetime
) -> Iterator[Event]:
    match answer:
        case Succeeded() | PartiallyApproved():
            if found.status is not OperationStatus.SUCCEEDED or _is_more(found, answer):
                yield _success(case, found, answer, at)
        case Declined():
            yield from _declined(case, found, answer, at)
        case Pending() | ActionRequired():
            yield from _under_way(case, found, answer, at)
        case Unknown() | NotFound():
            if found.is_open and found.status in UNDECIDED:
                yield _in_doubt(case, found, answer, at)
        case _ as never:
            assert_never(never)


def _under_way(
    case: Case, found: OperationState, answer: Pending | ActionRequired, at: datetime
) -> Iterator[Event]:
    """Ask later; of a closed operation at least the name is news: later reports will use it."""
    if found.status in UNDECIDED:
        if not _is_said_already(case, found, answer):
            yield _ask_later(case, found, at, answer=answer)
    elif found.reference is None:
        reference = answer.reference
        yield OperationPending(key=found.intent.key, reference=reference, ask_at=at, at=at)


def _is_more(found: OperationState, answer: Succeeded | PartiallyApproved) -> bool:
    return found.settled is None or answer.amount > found.settled


def _is_said_already(case: Case, found: OperationState, answer: Pending | ActionRequired) -> bool:
    """Whether the gateway said the same before, and it is not time to ask again."""
    same = {Pending: OperationStatus.PENDING, ActionRequired: OperationStatus.ACTION_REQUIRED}
    is_same = found.status is same[type(answer)]
    return is_same and found.ask_at is not None and case.now < found.ask_at


def _in_doubt(case: Case, found: OperationState, answer: Unknown | NotFound, at: datetime) -> Event:
    if isinstance(answer, NotFound):
        return _not_found(case, found, at)
    return _ask_later(case, found, at, answer=answer, reason=answer.reason)


def _success(
    case: Case, found: OperationState, answer: Succeeded | PartiallyApproved, at: datetime
) -> Event:
    return OperationSucceeded(
        key=found.intent.key,
        reference=answer.reference,
        amount=answer.amount,
        expires_at=case.ends(found, answer.expires_at, at),
        at=at,
    )


def _ask_later(
    case: Case,
    found: OperationState,
    at: datetime,
    *,
    answer: Pending | ActionRequired | Unknown | NotFound,
    reason: str = "",
) -> Event:
    """Ask again after the next wait of the schedule; after the last one a person must."""
    key = found.intent.key
    if found.asks >= len(case.policy.schedule):
        return OperationParked(key=key, reason="unresolved after the whole schedule", at=at)
    ask_at = _next_question(case, found, may_resend=isinstance(answer, Unknown | NotFound))
    match answer:
        case Pending(reference=reference):
            return OperationPending(key=key, reference=reference, ask_at=ask_at, at=at)
        case ActionRequired(reference=reference, action=action):
            return OperationActionRequired(
                key=key, reference=reference, action=action, ask_at=ask_at, at=at
            )
        case Unknown() | NotFound():
            return OperationInDoubt(key=key, reason=reason, ask_at=ask_at, at=at)


def _next_question(case: Case, found: OperationState, *, may_resend: bool) -> datetime:
    """
    After the next wait; a gateway that cannot be asked has the whole schedule to tell us.

    What is in doubt there may be sent again under the same key while its window lasts.
    """
    waits = case.policy.schedule[found.asks :]
    soon = case.now + waits[0]
    if case.capabilities.look_up or (may_resend and soon <= found.intent.not_after):
        return _while_remembered(case, found, soon)
    return case.now + sum(waits, start=timedelta(0))


def _while_remembered(case: Case, found: OperationState, ask_at: datetime) -> datetime:
    """
    Once more before the gateway forgets the key: after that "not found" proves nothing.

    Without it one lost answer at the horizon would leave the operation to a person.
    """
    spare = case.capabilities.call_timeout + case.policy.clock_skew
    last_chance = found.intent.at + case.capabilities.key_lifetime - spare
    is_named = found.reference is not None
    return ask_at if is_named or case.now >= last_chance else min(ask_at, last_chance)


def _not_found(case: Case, found: OperationState, at: datetime) -> Event:
    """
    "Not found" means "never happened" between the horizon and the end of the key (RULES PAY-2).

    What the gateway has named before it cannot have forgotten: that stays in doubt.
    """
    intent = found.intent
    horizon = intent.at + case.policy.horizon + case.capabilities.call_timeout
    reason = "not found"
    if found.reference is not None or case.now >= intent.at + case.capabilities.key_lifetime:
        return _ask_later(case, found, at, answer=NotFound(), reason=reason)
    if case.now >= horizon:
        return OperationNeverHappened(key=intent.key, at=at)
    return OperationInDoubt(key=intent.key, reason=reason, ask_at=horizon, at=at)


def _declined(case: Case, found: OperationState, answer: Declined, at: datetime) -> Iterator[Event]:
    """A decline after a part has happened leaves that part."""
    if found.status in REFUSALS or found.mismatch:
        return
    if found.status is OperationStatus.SUCCEEDED:
        return
    if found.settled is not None and found.reference is not None:
        part = found.settled
        yield OperationSucceeded(
            key=found.intent.key, reference=found.reference, amount=part, at=at
        )
        return
    is_soft = answer.kind is DeclineKind.SOFT
    yield OperationDeclined(
        key=found.intent.key,
        kind=answer.kind,
        code=answer.code,
        retry_at=retry_at(case, found, answer.retry_after) if is_soft else None,
        at=at,
    )


def retry_at(case: Case, found: OperationState, wait: timedelta | None = None) -> datetime | None:
    """When what came to nothing may be tried again; None after too many attempts (RULES PAY-5)."""
    others = [
        other
        for other in case.state.failures_like(found.intent)
        if other.intent.key != found.intent.key
    ]
    if len(others) >= case.policy.soft_retries:
        return None
    least = case.policy.soft_retry_after
    return case.now + max(wait or least, least)
