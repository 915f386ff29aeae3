from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import Key, Reference, TenderId
from ordercore.money import EUR, USD, Money
from ordercore.payment.answers import (
    ActionRequired,
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
from ordercore.payment.balance import totals
from ordercore.payment.commands import (
    AddTender,
    RecordPayment,
    ReportAnswer,
    ReportAuthorisationExpired,
    ReportCollected,
    ReportDispute,
    ReportOperation,
    RetryPayment,
)
from ordercore.payment.events import (
    AuthorisationExpired,
    OperationActionRequired,
    OperationDeclined,
    OperationFailed,
    OperationInDoubt,
    OperationNeverHappened,
    OperationParked,
    OperationPending,
    OperationSucceeded,
    PaymentMatched,
    PaymentRecorded,
    PaymentUnmatched,
)
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.model import (
    About,
    DisputeStatus,
    Operation,
    OperationStatus,
    Tender,
    TenderKind,
)
from ordercore.payment.operations import StepKind, operation_steps
from ordercore.payment.policy import Capabilities
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import CARD, Shop, Wishes, dispute, euro, failure

AUTH = Reference("auth-1")


def one_card(claimable: int = 0) -> Shop:
    """A shop with one card and 100 euros to authorise, which is intended already."""
    state = PaymentState(tenders=(Tender(id=CARD),))
    shop = Shop(state=state, wishes=Wishes(claimable=claimable))
    shop.intend()
    return shop


def last(shop: Shop, operation: Operation = Operation.AUTHORISE) -> Key:
    return list(shop.state.of(operation))[-1].intent.key


def answer(shop: Shop, what: LookUpAnswer, key: Key | None = None) -> tuple[Event, ...]:
    return shop.tell(ReportAnswer(key=key or last(shop), answer=what, at=shop.now))


def authorised(claimable: int = 0) -> Shop:
    shop = one_card(claimable)
    answer(shop, Succeeded(reference=AUTH, amount=euro(10_000)))
    return shop


def captured() -> tuple[Shop, Reference]:
    shop = authorised(claimable=10_000)
    shop.intend()
    reference = Reference("capture-1")
    succeeded = Succeeded(reference=reference, amount=euro(10_000))
    answer(shop, succeeded, last(shop, Operation.CAPTURE))
    return shop, reference


def status(shop: Shop, operation: Operation = Operation.AUTHORISE) -> OperationStatus:
    return shop.state.operations[last(shop, operation)].status


def test_a_success_is_recorded_once() -> None:
    """ABUSE 40: worker and webhook tell the same capture; there is one event."""
    shop, reference = captured()
    key = last(shop, Operation.CAPTURE)
    told = ReportOperation(
        operation=Operation.CAPTURE,
        reference=reference,
        amount=euro(10_000),
        key=key,
        at=shop.now,
    )
    assert () == shop.tell(told)
    assert () == answer(shop, Succeeded(reference=reference, amount=euro(10_000)), key)
    assert euro(10_000) == totals(shop.state, EUR).captured


def test_already_captured_is_a_success() -> None:
    """ABUSE 41: an adapter that hears "already captured" says so; nothing is refunded."""
    shop, _ = captured()
    shop.work()
    assert [] == list(shop.state.of(Operation.REFUND))


def test_a_timeout_is_no_decline() -> None:
    """ABUSE 34: the outcome is in doubt, its money counts as under way, no new attempt is made."""
    shop = one_card()
    assert [OperationInDoubt] == [type(event) for event in answer(shop, Unknown(reason="timeout"))]
    assert euro(10_000) == totals(shop.state, EUR).authorisations_in_flight
    assert () == shop.intend()


@pytest.mark.parametrize(
    "reply",
    [
        Succeeded(reference=AUTH, amount=euro(9_999)),
        Succeeded(reference=AUTH, amount=euro(10_001)),
        Succeeded(reference=AUTH, amount=Money(10_000, USD)),
        PartiallyApproved(reference=AUTH, amount=euro(10_000)),
        PartiallyApproved(reference=AUTH, amount=Money(5_000, USD)),
    ],
)
def test_a_reply_that_differs_parks(reply: Answer) -> None:
    """ABUSE 33: a reply of another amount or currency is left to a person, and said by name."""
    shop = one_card()
    (parked,) = answer(shop, reply)
    assert isinstance(parked, OperationParked)
    assert "does not fit what was asked" in parked.reason
    assert OperationStatus.PARKED is status(shop)
    assert () == answer(shop, reply)
    assert () == answer(shop, Declined(kind=DeclineKind.HARD))
    assert () == shop.intend()


def test_a_reply_under_another_reference_parks() -> None:
    """ABUSE 33: the gateway called it something else before."""
    shop = one_card()
    answer(shop, Pending(reference=AUTH))
    answer(shop, Succeeded(reference=Reference("other"), amount=euro(10_000)))
    assert OperationStatus.PARKED is status(shop)


def test_a_late_success_is_always_recorded() -> None:
    """PAY-6: a closed attempt that did happen counts, and the surplus is voided."""
    shop = one_card()
    first = last(shop)
    shop.wait(60)
    answer(shop, NotFound())
    assert OperationStatus.NEVER_HAPPENED is status(shop)
    shop.intend()
    answer(shop, Succeeded(reference=Reference("auth-2"), amount=euro(10_000)))
    answer(shop, Succeeded(reference=AUTH, amount=euro(10_000)), first)
    assert euro(20_000) == totals(shop.state, EUR).authorised
    (void,) = shop.intend()
    assert (Operation.VOID, euro(10_000)) == (void.operation, void.amount)


def test_an_approval_for_an_ended_order_is_voided() -> None:
    """ABUSE 35: the compensating void is intended."""
    shop = one_card()
    shop.wishes = Wishes(ended=True)
    answer(shop, Succeeded(reference=AUTH, amount=euro(10_000)))
    assert [Operation.VOID] == [intent.operation for intent in shop.intend()]


def test_a_part_leaves_the_rest_to_other_tenders() -> None:
    """A partial approval is final for its operation, and the rest is asked for."""
    shop = one_card()
    answer(shop, PartiallyApproved(reference=AUTH, amount=euro(4_000)))
    assert euro(4_000) == totals(shop.state, EUR).authorised
    assert [euro(6_000)] == [intent.amount for intent in shop.intend()]


def test_not_found_is_asked_again_at_the_horizon() -> None:
    """PAY-2: before the horizon the call may be on its way."""
    shop = one_card()
    shop.wait(20)
    (event,) = answer(shop, NotFound())
    assert isinstance(event, OperationInDoubt)
    horizon = shop.policy.horizon + shop.capabilities.call_timeout
    assert shop.state.operations[last(shop)].intent.at + horizon == event.ask_at
    shop.now = event.ask_at
    assert [OperationNeverHappened] == [type(again) for again in answer(shop, NotFound())]


def test_what_was_named_cannot_be_unknown() -> None:
    """PAY-2: a gateway that had it and does not find it is asked again."""
    shop = one_card()
    answer(shop, Pending(reference=AUTH))
    shop.wait(60)
    assert [OperationInDoubt] == [type(event) for event in answer(shop, NotFound())]


def test_unresolved_operations_are_parked_after_the_schedule() -> None:
    """PAY-2: 5 min, 1 h, then daily, five times; then a person must look."""
    shop = one_card()
    shop.capabilities = evolve(shop.capabilities, key_lifetime=timedelta(days=30))
    waits: list[timedelta] = []
    event: Event = answer(shop, Unknown())[0]
    while isinstance(event, OperationInDoubt):
        waits.append(event.ask_at - shop.now)
        shop.now = event.ask_at
        (event,) = answer(shop, Unknown())
    assert list(shop.policy.schedule) == waits
    assert isinstance(event, OperationParked)
    assert [] == list(operation_steps(shop.state, shop.now, capabilities=shop.capabilities))


def test_the_last_question_comes_before_the_key_is_forgotten() -> None:
    """PAY-2: three answers got lost; a day later "not found" would prove nothing any more."""
    shop = one_card()
    begun = shop.now
    for _ in range(3):
        (event,) = answer(shop, Unknown())
        assert isinstance(event, OperationInDoubt)
        shop.now = event.ask_at
    spare = shop.capabilities.call_timeout + shop.policy.clock_skew
    assert begun + shop.capabilities.key_lifetime - spare == shop.now
    assert [OperationNeverHappened] == [type(again) for again in answer(shop, NotFound())]


def test_what_the_payer_must_do_is_kept() -> None:
    """The page to open is part of the fact; asking goes on by the schedule and ends."""
    shop = one_card()
    required = ActionRequired(reference=AUTH, action="https://bank.example/confirm")
    (event,) = answer(shop, required)
    assert isinstance(event, OperationActionRequired)
    assert "https://bank.example/confirm" == shop.state.operations[last(shop)].action
    assert () == answer(shop, required)
    for _ in range(10):
        shop.wait(60 * 24)
        answer(shop, required)
    assert OperationStatus.PARKED is status(shop)


def test_a_gateway_that_cannot_be_asked_has_time_to_tell() -> None:
    """PAY-2: without look-up a pending payment waits for its webhook as long as the schedule."""
    shop = one_card()
    shop.capabilities = Capabilities(look_up=False)
    (event,) = answer(shop, Pending(reference=AUTH))
    assert isinstance(event, OperationPending)
    assert sum(shop.policy.schedule, timedelta(0)) == event.ask_at - shop.now
    shop.now = event.ask_at
    steps = operation_steps(shop.state, shop.now, capabilities=shop.capabilities)
    assert [StepKind.PARK] == [step.kind for step in steps]


@pytest.mark.parametrize("kind", [DeclineKind.HARD, DeclineKind.FRAUD, DeclineKind.CONFIGURATION])
def test_declines_for_good_are_not_repeated(kind: DeclineKind) -> None:
    """PAY-5: only a soft decline is tried again."""
    shop = one_card()
    (event,) = answer(shop, Declined(kind=kind, retry_after=timedelta(minutes=1)))
    assert isinstance(event, OperationDeclined)
    assert event.retry_at is None
    shop.wait(60 * 24 * 30)
    assert () == shop.intend()


def test_soft_declines_are_repeated_a_few_times() -> None:
    """PAY-5: bounded per instrument, and never before the gateway wants it."""
    shop = one_card()
    for _ in range(shop.policy.soft_retries):
        answer(shop, Declined(kind=DeclineKind.SOFT, retry_after=timedelta(hours=3)))
        shop.wait(179)
        assert () == shop.intend()
        shop.wait(1)
        assert 1 == len(shop.intend())
    answer(shop, Declined(kind=DeclineKind.SOFT))
    shop.wait(60 * 24 * 30)
    assert () == shop.intend()
    shop.tell(RetryPayment(tender=CARD, instrument="tok_2"))
    assert 1 == len(shop.intend())
    answer(shop, Declined(kind=DeclineKind.SOFT))
    shop.wait(60)
    assert 1 == len(shop.intend())


def test_a_report_before_its_operation_is_known_waits() -> None:
    """ABUSE 67: a webhook without our key comes first, and counts once its name is known."""
    shop = authorised(claimable=10_000)
    shop.intend()
    reference = Reference("capture-1")
    told = ReportOperation(
        operation=Operation.CAPTURE, reference=reference, amount=euro(10_000), at=shop.now
    )
    assert [PaymentUnmatched] == [type(event) for event in shop.tell(told)]
    assert () == shop.tell(told)
    assert [About.OPERATION] == [report.about for report in shop.state.waiting]
    answer(shop, Pending(reference=reference), last(shop, Operation.CAPTURE))
    assert () == shop.state.waiting
    assert euro(10_000) == totals(shop.state, EUR).captured


def test_a_failure_before_its_success_waits() -> None:
    """PAY-6: a capture that failed before we heard that it succeeded brings nothing."""
    shop = authorised(claimable=10_000)
    shop.intend()
    reference = Reference("capture-1")
    shop.tell(failure(Operation.CAPTURE, reference))
    succeeded = Succeeded(reference=reference, amount=euro(10_000))
    events = answer(shop, succeeded, last(shop, Operation.CAPTURE))
    assert [OperationSucceeded, OperationFailed, PaymentMatched] == [type(fact) for fact in events]
    assert euro(0) == totals(shop.state, EUR).captured


def test_a_repeated_success_does_not_undo_a_failure() -> None:
    """PAY-6: the webhook of the success comes again after the failure; nothing changes."""
    shop, reference = captured()
    shop.tell(failure(Operation.CAPTURE, reference))
    told = ReportOperation(
        operation=Operation.CAPTURE, reference=reference, amount=euro(10_000), at=shop.now
    )
    assert () == shop.tell(told)
    assert euro(0) == totals(shop.state, EUR).captured


def test_failed_captures_are_tried_again_a_few_times() -> None:
    """RF-6 and PAY-5: a failure counts as nothing, and is not repeated for ever."""
    shop, reference = captured()
    for attempt in range(10):
        shop.tell(failure(Operation.CAPTURE, reference))
        assert () == shop.intend()
        shop.wait(61)
        if not shop.intend():
            assert shop.policy.soft_retries == attempt
            return
        reference = Reference(f"capture-again-{attempt}")
        succeeded = Succeeded(reference=reference, amount=euro(10_000))
        answer(shop, succeeded, last(shop, Operation.CAPTURE))
    raise AssertionError("it is tried for ever")


def test_a_part_that_was_told_is_not_captured_again() -> None:
    """PAY-3: of an open capture a part has happened; the rest is still under way."""
    shop = authorised(claimable=10_000)
    shop.intend()
    key = last(shop, Operation.CAPTURE)
    for minor in (4_000, 2_500):
        told = ReportOperation(
            operation=Operation.CAPTURE,
            reference=Reference("capture-1"),
            amount=euro(minor),
            key=key,
            at=shop.now,
        )
        shop.tell(told)
        sums = totals(shop.state, EUR)
        assert (euro(4_000), euro(6_000)) == (sums.captured, sums.captures_in_flight)
    assert () == shop.intend()
    answer(shop, Declined(kind=DeclineKind.SOFT), key)
    sums = totals(shop.state, EUR)
    assert (euro(4_000), euro(0)) == (sums.captured, sums.captures_in_flight)


def test_the_outside_may_do_more_than_was_asked() -> None:
    """PAY-3: a person at the gateway captured more; the books say so, and the rest goes back."""
    shop, reference = captured()
    told = ReportOperation(
        operation=Operation.CAPTURE, reference=reference, amount=euro(12_000), at=shop.now
    )
    shop.tell(told)
    assert euro(12_000) == totals(shop.state, EUR).captured
    (refund,) = shop.intend()
    assert (Operation.REFUND, euro(2_000)) == (refund.operation, refund.amount)


def test_reports_in_another_currency_wait_for_a_person() -> None:
    """PAY-6: nothing in another currency touches the books, and nothing is refused."""
    shop, reference = captured()
    other = Money(5, USD)
    reports = (
        ReportOperation(
            operation=Operation.CAPTURE, reference=reference, amount=other, at=shop.now
        ),
        ReportCollected(tender=CARD, amount=other, reference=Reference("cash"), at=shop.now),
        ReportDispute(
            reference=Reference("d"),
            tender=CARD,
            amount=other,
            status=DisputeStatus.OPENED,
            at=shop.now,
        ),
    )
    before = totals(shop.state, EUR)
    for report in reports:
        assert [PaymentUnmatched] == [type(event) for event in shop.tell(report)]
    assert before == totals(shop.state, EUR)
    assert 3 == len(shop.state.waiting)


def test_reports_about_unknown_things_are_never_refused() -> None:
    """An answer to an unknown key, money for an unknown tender: kept, once."""
    shop = authorised()
    nobody = TenderId("nobody")
    reports = (
        ReportAnswer(key=Key("unknown"), answer=Unknown(), at=shop.now),
        ReportCollected(tender=nobody, amount=euro(5), reference=Reference("cash"), at=shop.now),
        ReportAuthorisationExpired(reference=Reference("unknown"), at=shop.now),
    )
    for _ in range(2):
        for report in reports:
            shop.tell(report)
    assert 3 == len(shop.state.waiting)
    assert 3 == sum(isinstance(event, PaymentUnmatched) for event in shop.history)


def test_a_person_can_book_what_waits() -> None:
    """What is recorded by hand under the same reference waits no longer."""
    shop = authorised()
    reference = Reference("transfer-1")
    nobody = TenderId("nobody")
    shop.tell(ReportCollected(tender=nobody, amount=euro(5), reference=reference, at=shop.now))
    shop.tell(RecordPayment(tender=CARD, amount=euro(5), reference=reference))
    assert () == shop.state.waiting
    assert euro(5) == totals(shop.state, EUR).captured


def test_collected_money_counts_once_and_the_largest_figure_stands() -> None:
    """PAY-7: the driver's report comes twice, and later with more."""
    shop = authorised()
    for minor in (500, 500, 700, 600):
        shop.tell(
            ReportCollected(
                tender=CARD, amount=euro(minor), reference=Reference("cash-1"), at=shop.now
            )
        )
    assert euro(700) == totals(shop.state, EUR).captured
    assert 2 == sum(isinstance(event, PaymentRecorded) for event in shop.history)


def test_nothing_is_captured_after_expiry() -> None:
    """ABUSE 38 and PAY-4: an expired authorisation gives nothing; a new one is asked for."""
    shop = authorised()
    shop.tell(ReportAuthorisationExpired(reference=AUTH, at=shop.now))
    shop.wishes = Wishes(claimable=10_000)
    assert [Operation.AUTHORISE] == [intent.operation for intent in shop.intend()]


def test_the_later_word_of_a_bank_counts() -> None:
    """PAY-6: won, and lost on appeal; the reports come in the wrong order."""
    shop, reference = captured()
    for stage, hours in (
        (DisputeStatus.LOST, 50),
        (DisputeStatus.WON, 30),
        (DisputeStatus.OPENED, 0),
    ):
        shop.tell(dispute(stage, reference, hours=hours, minor=900))
    sums = totals(shop.state, EUR)
    assert (euro(900), euro(0)) == (sums.disputes_lost, sums.disputes_open)
    assert euro(9_100) == sums.held


def test_disputed_money_is_not_refunded() -> None:
    """ABUSE 47: refund and chargeback of the same money never both happen."""
    shop, reference = captured()
    shop.tell(dispute(DisputeStatus.OPENED, reference, hours=0, minor=10_000))
    shop.wishes = Wishes(ended=True)
    assert () == shop.intend()
    shop.tell(dispute(DisputeStatus.WON, reference, hours=9, minor=10_000))
    assert [euro(10_000)] == [intent.amount for intent in shop.intend()]


def test_what_waits_goes_on_waiting_whatever_happens_here() -> None:
    """PAY-6: only what was absorbed waits no longer, and nothing that waits is written again."""
    shop, reference = captured()
    other = Money(900, USD)
    shop.tell(
        ReportOperation(operation=Operation.CAPTURE, reference=reference, amount=other, at=shop.now)
    )
    shop.tell(
        ReportDispute(
            reference=Reference("d"),
            capture=reference,
            amount=other,
            status=DisputeStatus.OPENED,
            at=shop.now,
        )
    )
    waiting = shop.state.waiting
    ended = AuthorisationExpired(key=last(shop), at=shop.now)
    assert waiting == evolve_payment(shop.state, ended).waiting
    for name in ("x", "y"):
        record = RecordPayment(tender=CARD, amount=euro(1), reference=Reference(name))
        assert [PaymentRecorded] == [type(event) for event in shop.tell(record)]
    assert waiting == shop.state.waiting


def test_a_dispute_of_a_tender_waits_for_it() -> None:
    """PAY-6: the tender that was named is remembered, and once it is there the dispute counts."""
    shop = authorised()
    late = TenderId("paypal")
    shop.tell(
        ReportDispute(
            reference=Reference("d"),
            tender=late,
            amount=euro(100),
            status=DisputeStatus.OPENED,
            at=shop.now,
        )
    )
    shop.tell(AddTender(tender=Tender(id=late, kind=TenderKind.MANUAL)))
    assert () == shop.state.waiting
    assert euro(100) == totals(shop.state, EUR, tender=late).disputes_open


def test_a_report_that_waited_is_absorbed_as_it_came() -> None:
    """PAY-6: the key and the end that an early report named count when it fits."""
    shop = one_card()
    key, ends = last(shop), shop.now + timedelta(days=3)
    early = Shop(state=PaymentState(tenders=shop.state.tenders), wishes=shop.wishes)
    early.tell(
        ReportOperation(
            operation=Operation.AUTHORISE,
            reference=AUTH,
            amount=euro(10_000),
            key=key,
            expires_at=ends,
            at=early.now,
        )
    )
    assert [key] == [intent.key for intent in early.intend()]
    early.tell(ReportAuthorisationExpired(reference=Reference("unknown"), at=early.now))
    assert ends == early.state.operations[key].expires_at
    assert euro(10_000) == totals(early.state, EUR).authorised
