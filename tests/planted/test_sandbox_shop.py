"""
Bugs between a shop and its gateway: the gateway's own books find every one of them.

Each stands in the way of calls and answers, or in the engine's own steps, and has cost real shops
real money. A few seeds are tried: in some runs a bug does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count, product

import pytest
from attrs import define, evolve, field

from ordercore.ids import Key, Reference
from ordercore.money import Money
from ordercore.payment import _replies as replying
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.events import OperationNeverHappened
from ordercore.payment.model import Operation, OperationState, OperationStatus
from ordercore.payment.operations import NextStep, StepKind
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from ordercore.ports.gateways import PaymentCall, PaymentGateway
from ordercore.process import due as owing
from ordercore.testing.sandbox import Faults
from tests.simulation.shop_world import BAD, WORSE, law_of_books, run

SEEDS = range(2, 8)
ABLE = Capabilities(authorisation_lifetime=timedelta(days=30))
"""What is set aside by mistake does not vanish before the books are compared."""
CURIOUS = PaymentPolicy(
    send_window=timedelta(minutes=5),
    schedule=(*(timedelta(minutes=6),) * 12, timedelta(hours=20)),
)
"""Never sends again, and asks early what became of it."""
POLICIES = (PaymentPolicy(), CURIOUS)
SILENT = Faults(lost_answer=250, late_call=150, lost=500)
"""Calls that happen although nobody says so, and few webhooks to tell it later."""
SLOW = Faults(late_call=300, lost=1000, longest_delay=timedelta(minutes=29))
"""Calls that happen when nobody waits for them any more."""
REVOKED = Faults(taken_back=250)
"""Captures and refunds that fail afterwards."""


@define
class Between(PaymentGateway):
    """Lets every call and answer through."""

    inner: PaymentGateway
    fresh: Iterator[int] = field(factory=count)
    seen: set[Key] = field(factory=set[Key])

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def authorise(self, call: PaymentCall) -> Answer:
        return self.send(call, self.inner.authorise)

    def capture(self, call: PaymentCall) -> Answer:
        return self.send(call, self.inner.capture)

    def void(self, call: PaymentCall) -> Answer:
        return self.send(call, self.inner.void)

    def refund(self, call: PaymentCall) -> Answer:
        return self.send(call, self.inner.refund)

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        return send(call)

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        return self.inner.look_up(call)


class TimeoutIsDecline(Between):
    """No answer is taken for "no"."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        return Declined(kind=DeclineKind.SOFT) if isinstance(answer, Unknown) else answer


class TimeoutIsSuccess(Between):
    """No answer is taken for "yes"."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        if isinstance(answer, Unknown):
            return Succeeded(reference=Reference(call.key), amount=call.amount)
        return answer


class FreshKeys(Between):
    """Each resend has a key of its own."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        return send(evolve(call, key=Key(f"{call.key}/{next(self.fresh)}")))


class AlreadyDoneIsFailure(Between):
    """What the gateway calls "already captured" is taken for a failure."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        again = call.key in self.seen
        self.seen.add(call.key)
        if again and isinstance(answer, Succeeded):
            return Declined(kind=DeclineKind.SOFT, code="already_captured")
        return answer


class PendingIsSuccess(Between):
    """A refund counts before it has succeeded, and so does everything that is pending."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        answer = send(call)
        if isinstance(answer, Pending):
            return Succeeded(reference=answer.reference, amount=call.amount)
        return answer


class LosesCents(Between):
    """The amount is sent a hundredth too small and reported as asked."""

    def send(self, call: PaymentCall, send: Callable[[PaymentCall], Answer]) -> Answer:
        less = Money(max(1, call.amount.minor - call.amount.minor // 100), call.amount.currency)
        answer = send(evolve(call, amount=less))
        if isinstance(answer, Succeeded | PartiallyApproved):
            return Succeeded(
                reference=answer.reference, amount=call.amount, expires_at=answer.expires_at
            )
        return answer


class NotFoundIsDecline(Between):
    """What cannot be found yet is taken for "no"."""

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        answer = self.inner.look_up(call)
        if isinstance(answer, NotFound):
            return Declined(kind=DeclineKind.SOFT, code="not_found")
        return answer


BETWEEN: list[type[Between]] = [
    TimeoutIsDecline,
    TimeoutIsSuccess,
    FreshKeys,
    AlreadyDoneIsFailure,
    PendingIsSuccess,
    LosesCents,
    NotFoundIsDecline,
]


def falls(faults: Faults, between: Callable[[PaymentGateway], PaymentGateway]) -> bool:
    """Whether the law of the books falls in one of the runs."""
    for seed, policy in product(SEEDS, POLICIES):
        world = run(seed, faults, ABLE, between, policy=policy)
        try:
            law_of_books(world)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize(
    "faults",
    [BAD, WORSE, SILENT, SLOW, REVOKED],
    ids=["bad", "worse", "silent", "slow", "revoked"],
)
def test_an_open_way_does_no_harm(faults: Faults) -> None:
    """What stands between, without a bug, changes nothing."""
    assert not falls(faults, Between)


@pytest.mark.parametrize("bug", BETWEEN, ids=lambda bug: bug.__name__)
def test_a_bug_between_is_found(bug: type[Between]) -> None:
    """The books differ, or the gateway notes a call that must never be made."""
    assert any(falls(faults, bug) for faults in (SILENT, SLOW, WORSE))


def sends_for_ever(
    state: PaymentState, now: datetime, *, capabilities: Capabilities
) -> Iterator[NextStep]:
    """What is in doubt is sent again, however late."""
    del capabilities
    for key, found in state.operations.items():
        doubtful = {OperationStatus.INTENDED, OperationStatus.IN_DOUBT}
        if found.status in doubtful and (found.ask_at is None or found.ask_at <= now):
            yield NextStep(StepKind.SEND, key)


def too_early(_case: object, found: OperationState, at: datetime) -> OperationNeverHappened:
    """ "Not found" is believed at once."""
    return OperationNeverHappened(key=found.intent.key, at=at)


def refunds_count(self: OperationState) -> Money:
    """A refund counts as money back while it is only intended."""
    if self.intent.operation is Operation.REFUND:
        return self.intent.amount
    counts = self.is_open or self.status is OperationStatus.SUCCEEDED
    return self.settled if self.settled is not None and counts else self.intent.amount * 0


def failed_counts(self: OperationState) -> Money:
    """What was taken back counts as if it had not been."""
    return self.settled if self.settled is not None else self.intent.amount * 0


BUGS: list[tuple[object, str, object, Faults]] = [
    (owing, "operation_steps", sends_for_ever, SILENT),
    (replying, "_not_found", too_early, SLOW),
    (OperationState, "moved", property(refunds_count), REVOKED),
    (OperationState, "moved", property(failed_counts), REVOKED),
]


@pytest.mark.parametrize(("where", "name", "bug", "faults"), BUGS)
def test_a_bug_in_the_engine_is_found(
    where: object, name: str, bug: object, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bug in place the law of the books falls."""
    monkeypatch.setattr(where, name, bug)
    assert falls(faults, Between)
