"""The law of reports that wait: no order of reports and requests decides what is true (PAY-6)."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from itertools import permutations
from typing import Final

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.facts import Event, Report
from ordercore.ids import Reference, TenderId
from ordercore.money import EUR, USD, Money
from ordercore.payment.balance import totals
from ordercore.payment.commands import (
    AddTender,
    PaymentReport,
    PaymentRequest,
    RecordPayment,
    ReportAuthorisationExpired,
    ReportCollected,
    ReportDispute,
    ReportOperation,
)
from ordercore.payment.decide import decide_payment
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.model import DisputeStatus, Operation, Tender, TenderKind, WaitingReport
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import CARD, START, Shop, dispute, euro, failure, outcomes
from tests.laws.test_payment import BASIS, INTENTS, OPERATIONS, REFERENCES, webhook

Step = Event | PaymentReport | PaymentRequest

LATE: Final = TenderId("late")
NOBODY: Final = TenderId("nobody")
CAPTURE: Final = INTENTS[2]
NAME: Final = REFERENCES[CAPTURE.key]
CASH: Final = Reference("cash-2")
HAND: Final = Reference("hand-1")


def _collected(tender: TenderId, amount: Money, reference: Reference) -> PaymentReport:
    return ReportCollected(tender=tender, amount=amount, reference=reference, at=START)


def _late_dispute(amount: Money, status: DisputeStatus) -> PaymentReport:
    return ReportDispute(
        reference=Reference("d-late"), tender=LATE, amount=amount, status=status, at=START
    )


REPORTS: Final[tuple[PaymentReport, ...]] = (
    *(
        webhook(known, percent=percent, named=named)
        for known in INTENTS[:6]
        for percent, named in ((100, True), (100, False), (120, False))
    ),
    failure(Operation.CAPTURE, NAME),
    failure(Operation.REFUND, REFERENCES[INTENTS[4].key]),
    ReportAuthorisationExpired(reference=REFERENCES[INTENTS[1].key], at=START),
    ReportOperation(operation=Operation.CAPTURE, reference=NAME, amount=Money(9, USD), at=START),
    dispute(DisputeStatus.OPENED, NAME, hours=0, minor=500),
    dispute(DisputeStatus.WON, NAME, hours=30, minor=900),
    dispute(DisputeStatus.LOST, NAME, hours=50, minor=700),
    dispute(DisputeStatus.WON, NAME, hours=70, minor=600),
    ReportDispute(
        reference=Reference("d-usd"),
        capture=NAME,
        amount=Money(9, USD),
        status=DisputeStatus.OPENED,
        at=START,
    ),
    _late_dispute(euro(40), DisputeStatus.OPENED),
    _late_dispute(euro(30), DisputeStatus.LOST),
    _collected(LATE, euro(300), CASH),
    _collected(LATE, euro(200), CASH),
    _collected(CARD, Money(300, USD), Reference("cash-usd")),
    _collected(NOBODY, euro(5), HAND),
    _collected(NOBODY, euro(7), HAND),
    _collected(NOBODY, euro(8), Reference("nobody-1")),
)
REQUESTS: Final[tuple[PaymentRequest, ...]] = (
    AddTender(tender=Tender(id=LATE, kind=TenderKind.CASH)),
    RecordPayment(tender=CARD, amount=euro(5), reference=HAND),
)
STEPS: Final[tuple[Step, ...]] = (*OPERATIONS[:6], *REQUESTS, *REPORTS)
REST: Final = ReportAuthorisationExpired(reference=Reference("unknown"), at=START)


def decided(state: PaymentState, command: PaymentReport | PaymentRequest) -> tuple[Event, ...]:
    return decide_payment(
        state,
        command,
        START + timedelta(hours=1),
        basis=BASIS,
        policy=PaymentPolicy(),
        capabilities=Capabilities(),
    )


def lived(steps: list[Step]) -> PaymentState:
    """The state after these steps, and one report more that has nothing to do with them."""
    state = Shop().state
    for step in (*steps, REST):
        events = (step,) if isinstance(step, Event) else decided(state, step)
        state = reduce(evolve_payment, events, state)
    return state


def _words(report: WaitingReport) -> WaitingReport:
    return evolve(report, at=START, reason="")


def law_of_any_order(steps: list[Step], shuffled: list[Step]) -> None:
    """The same reports and requests in any order: the same balances, and the same wait."""
    left, right = lived(steps), lived(shuffled)
    assert totals(left, EUR) == totals(right, EUR)
    assert {at.id: totals(left, EUR, tender=at.id) for at in left.tenders} == {
        at.id: totals(right, EUR, tender=at.id) for at in right.tenders
    }
    assert outcomes(left) == outcomes(right)
    assert left.disputes == right.disputes
    assert {key: known.expires_at for key, known in left.operations.items()} == {
        key: known.expires_at for key, known in right.operations.items()
    }
    assert {_words(report) for report in left.waiting} == {
        _words(report) for report in right.waiting
    }


def law_of_no_repeats(steps: list[Step]) -> None:
    """What waits is written once, whatever comes after it; and told again it changes nothing."""
    state = lived(steps)
    for step in steps:
        if isinstance(step, Report):
            assert () == decided(state, step)


def law_of_disputes(told: tuple[PaymentReport, ...]) -> None:
    """The largest amount of a dispute counts, whichever report came last."""
    known = [*OPERATIONS, webhook(CAPTURE, percent=100, named=True)]
    (found,) = lived([*known, *told]).disputes.values()
    most = max(report.amount for report in told if isinstance(report, ReportDispute))
    assert (most, DisputeStatus.WON) == (found.amount, found.status)


mixed = st.lists(st.sampled_from(STEPS), min_size=2, max_size=16, unique_by=id)


@settings(max_examples=200)
@given(data=st.data(), steps=mixed)
def test_reports_and_requests_may_come_in_any_order(data: st.DataObject, steps: list[Step]) -> None:
    """PAY-3, PAY-6: a report that comes too early ends where it would have ended in time."""
    law_of_any_order(steps, data.draw(st.permutations(steps)))


@settings(max_examples=100)
@given(steps=mixed)
def test_nothing_that_waits_is_written_twice(steps: list[Step]) -> None:
    """PAY-6: neither the next command nor the same report adds a fact about what waits."""
    law_of_no_repeats(steps)


def test_the_amount_of_a_dispute_never_shrinks() -> None:
    """PAY-6: amounts are merged by maximum, in every order of a bank's reports."""
    stages = [report for report in REPORTS if isinstance(report, ReportDispute)][:4]
    for told in permutations(stages):
        law_of_disputes(told)
