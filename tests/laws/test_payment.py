"""
The laws of payments (RULES PAY-3), as functions that also judge a wrong implementation.

The laws that bind every history of calls stand in `tests/laws/payment_world.py` and are run by the
machine in `tests/machines/test_payment.py`; here are those of single decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import RefusedError
from ordercore.facts import Event
from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import EUR, Money
from ordercore.payment import balance as balancing
from ordercore.payment import decide as deciding
from ordercore.payment import intents as intending
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    NotFound,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.balance import totals
from ordercore.payment.commands import (
    CaptureNow,
    PaymentReport,
    ReportAnswer,
    ReportAuthorisationExpired,
    ReportCollected,
    ReportOperation,
)
from ordercore.payment.events import OperationIntended
from ordercore.payment.intents import PaymentBasis
from ordercore.payment.model import (
    FAILURES,
    DisputeStatus,
    Intent,
    Operation,
    OperationStatus,
    Tender,
    TenderKind,
)
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import (
    CARD,
    GIFT,
    START,
    Shop,
    Wishes,
    dispute,
    euro,
    failure,
    law_of_order,
    told_in,
    with_wishes,
)

LAW = settings(max_examples=300)
BASIS = PaymentBasis(
    order=OrderId("o-1"),
    currency=EUR,
    owed=euro(10_000),
    claimable=euro(10_000),
    deferred=euro(0),
)
REFERENCES = {
    Key("auth-1"): Reference("ref-auth-1"),
    Key("auth-2"): Reference("ref-auth-2"),
    Key("capture-1"): Reference("ref-capture-1"),
    Key("capture-2"): Reference("ref-capture-2"),
    Key("refund-1"): Reference("ref-refund-1"),
    Key("void-1"): Reference("ref-void-1"),
    Key("increase-1"): Reference("ref-increase-1"),
    Key("increase-2"): Reference("ref-increase-2"),
    Key("extend-1"): Reference("ref-extend-1"),
}


def intent(
    key: str,
    operation: Operation,
    minor: int,
    *,
    target: str | None = None,
    tender: TenderId = CARD,
) -> Intent:
    return Intent(
        key=Key(key),
        operation=operation,
        tender=tender,
        amount=euro(minor),
        at=START,
        not_after=START + timedelta(minutes=15),
        target=None if target is None else Key(target),
    )


INTENTS = (
    intent("auth-1", Operation.AUTHORISE, 7_000),
    intent("auth-2", Operation.AUTHORISE, 3_000, tender=GIFT),
    intent("capture-1", Operation.CAPTURE, 4_000, target="auth-1"),
    intent("capture-2", Operation.CAPTURE, 3_000, target="auth-2", tender=GIFT),
    intent("refund-1", Operation.REFUND, 1_000, target="capture-1"),
    intent("void-1", Operation.VOID, 3_000, target="auth-1"),
    intent("increase-1", Operation.INCREASE, 9_000, target="auth-1"),
    intent("increase-2", Operation.INCREASE, 9_500, target="auth-1"),
    intent("extend-1", Operation.EXTEND, 3_000, target="auth-2", tender=GIFT),
)
OPERATIONS: list[Event] = [OperationIntended(intent=known, at=START) for known in INTENTS]


def answer(known: Intent, what: Answer) -> PaymentReport:
    return ReportAnswer(key=known.key, answer=what, at=START)


def webhook(known: Intent, *, percent: int, named: bool) -> PaymentReport:
    return ReportOperation(
        operation=known.operation,
        reference=REFERENCES[known.key],
        amount=euro(known.amount.minor * percent // 100),
        key=known.key if named else None,
        at=START,
    )


def facts_about(known: Intent) -> list[PaymentReport]:
    """All that a gateway may say about one operation; contradictions come in time, not in truth."""
    reference = REFERENCES[known.key]
    whole = Succeeded(reference=reference, amount=known.amount)
    more = Succeeded(reference=reference, amount=known.amount + euro(1))
    found = [
        answer(known, whole),
        answer(known, Unknown(reason="timeout")),
        answer(known, Pending(reference=reference)),
        answer(known, Declined(kind=DeclineKind.HARD)),
        answer(known, more),
        webhook(known, percent=100, named=True),
        webhook(known, percent=100, named=False),
        webhook(known, percent=120, named=False),
    ]
    if known.operation is not Operation.VOID:
        found.append(failure(known.operation, reference))
    if known.operation is Operation.AUTHORISE:
        found.append(ReportAuthorisationExpired(reference=reference, at=START))
        raised = Succeeded(reference=reference, amount=euro(9_500))
        found.append(answer(known, raised))
    if known.operation is Operation.CAPTURE:
        found += [
            dispute(stage, reference, hours=hours, minor=minor)
            for stage, hours, minor in (
                (DisputeStatus.OPENED, 0, 500),
                (DisputeStatus.OPENED, 1, 900),
                (DisputeStatus.WON, 30, 900),
                (DisputeStatus.LOST, 50, 900),
            )
        ]
    return found


COLLECTED = [
    ReportCollected(tender=CARD, amount=euro(minor), reference=Reference("cash-1"), at=START)
    for minor in (200, 300)
]
ALL_FACTS = [*(report for known in INTENTS for report in facts_about(known)), *COLLECTED]
histories = st.lists(st.sampled_from(ALL_FACTS), min_size=1, max_size=14)


@LAW
@given(data=st.data(), reports=histories)
def test_facts_may_come_in_any_order_and_twice(
    data: st.DataObject, reports: list[PaymentReport]
) -> None:
    """PAY-3: any permutation or repetition of the same facts ends in the same balances."""
    twice = reports + data.draw(st.lists(st.sampled_from(reports), max_size=4))
    law_of_order(reports, data.draw(st.permutations(twice)), OPERATIONS, BASIS)


def law_of_balances(reports: Iterable[PaymentReport]) -> None:
    """No balance is below zero, the tenders add up, and what came to nothing counts for nothing."""
    state = told_in(reports, OPERATIONS, BASIS)
    sums = totals(state, EUR)
    figures = (
        sums.authorised,
        sums.captured,
        sums.refunded,
        sums.disputes_open,
        sums.disputes_lost,
        sums.authorisations_in_flight,
        sums.captures_in_flight,
        sums.refunds_in_flight,
        sums.refundable,
    )
    assert all(figure.minor >= 0 for figure in figures)
    parts = [totals(state, EUR, tender=tender.id) for tender in state.tenders]
    assert sum((part.captured for part in parts), euro(0)) == sums.captured
    assert sum((part.refunded for part in parts), euro(0)) == sums.refunded
    assert sum((part.authorised for part in parts), euro(0)) == sums.authorised
    counted = [
        found.settled
        for found in state.of(Operation.CAPTURE)
        if found.settled is not None and found.status not in FAILURES
    ]
    recorded = [entry.amount for entry in state.recorded.values()]
    assert sum((*counted, *recorded), euro(0)) == sums.captured


def law_of_the_largest(reports: Iterable[PaymentReport]) -> None:
    """What moved is the largest figure that was told, never a sum of figures (how it works)."""
    told = tuple(reports)
    state = told_in(told, OPERATIONS, BASIS)
    for key, found in state.operations.items():
        stated = [
            report.amount
            for report in told
            if isinstance(report, ReportOperation) and report.reference == REFERENCES[key]
        ]
        raised = [other.intent.amount for other in state.aimed_at(key, Operation.INCREASE)]
        assert found.settled is None or found.settled <= max(
            [*stated, *raised, found.intent.amount]
        )


def law_of_repeats(reports: Iterable[PaymentReport]) -> None:
    """A webhook that comes again adds no fact."""
    state = told_in(reports, OPERATIONS, BASIS)
    for report in reports:
        if not isinstance(report, ReportAnswer):
            assert () == deciding.decide_payment(
                state,
                report,
                START,
                basis=BASIS,
                policy=PaymentPolicy(),
                capabilities=Capabilities(),
            )


@LAW
@given(reports=histories)
def test_the_largest_figure_counts(reports: list[PaymentReport]) -> None:
    """Cumulative amounts are merged by maximum."""
    law_of_the_largest(reports)


@LAW
@given(reports=histories)
def test_webhooks_may_be_repeated(reports: list[PaymentReport]) -> None:
    """A report that comes twice changes nothing, and writes nothing."""
    law_of_repeats(reports)


@LAW
@given(reports=histories)
def test_balances_are_never_negative_and_add_up(reports: list[PaymentReport]) -> None:
    """PAY-1: each tender is a ledger, and the tenders add up to the order."""
    law_of_balances(reports)


tender_parts = st.lists(
    st.one_of(st.none(), st.integers(1, 12_000)), min_size=1, max_size=4
).filter(lambda parts: parts.count(None) <= 1)


def law_of_parts(parts: list[int | None], owed: int) -> None:
    """Together the tenders pay what is owed, or all that they were given."""
    tenders = tuple(
        Tender(
            id=TenderId(f"t{index}"),
            kind=TenderKind.GIFT_CARD,
            amount=None if minor is None else euro(minor),
        )
        for index, minor in enumerate(parts)
    )
    planned = balancing.planned(PaymentState(tenders=tenders), euro(owed))
    most = owed if None in parts else sum(minor for minor in parts if minor is not None)
    assert sum(part.minor for part in planned.values()) == min(owed, most)
    for tender in tenders:
        part = planned[tender.id]
        assert part.minor >= 0
        assert tender.amount is None or part <= tender.amount


@LAW
@given(parts=tender_parts, owed=st.integers(0, 20_000))
def test_tenders_share_what_is_owed(parts: list[int | None], owed: int) -> None:
    """PAY-1: fixed amounts come first, the open tender takes the rest, nothing is paid twice."""
    law_of_parts(parts, owed)


def law_of_lost_disputes(captured: int, lost: int) -> None:
    """What a bank took is not charged again (RULES PAY-3)."""
    shop = Shop(wishes=Wishes(owed=10_000, claimable=captured))
    shop.work()
    first = next(shop.state.of(Operation.CAPTURE))
    assert first.reference is not None
    shop.tell(
        dispute(DisputeStatus.LOST, first.reference, hours=1, minor=min(lost, first.moved.minor))
    )
    before = shop.gateway.moved(Operation.CAPTURE)
    shop.work()
    assert before == shop.gateway.moved(Operation.CAPTURE)
    assert 10_000 == before + totals(shop.state, EUR).authorised.minor


@LAW
@given(captured=st.integers(1, 9_999), lost=st.integers(1, 9_999))
def test_a_lost_dispute_is_not_charged_again(captured: int, lost: int) -> None:
    """PAY-3: a lost dispute never triggers a new charge."""
    law_of_lost_disputes(captured, lost)


def law_of_silence(minutes: int) -> None:
    """Before the horizon, and after the key is forgotten, "not found" proves nothing."""
    shop = Shop()
    shop.intend()
    key = next(iter(shop.state.operations))
    shop.wait(minutes)
    shop.tell(ReportAnswer(key=key, answer=NotFound(), at=shop.now))
    status = shop.state.operations[key].status
    proves = 47 <= minutes < 24 * 60
    assert (status is OperationStatus.NEVER_HAPPENED) == proves
    assert proves or status is OperationStatus.IN_DOUBT


@LAW
@given(minutes=st.integers(0, 3_000))
def test_not_found_proves_nothing_too_early_or_too_late(minutes: int) -> None:
    """PAY-2: only between the horizon and the end of the key lifetime did it never happen."""
    law_of_silence(minutes)


names = st.text("ab:/-1", min_size=1, max_size=4)
attempts = st.tuples(names, st.sampled_from(Operation), names, st.integers(1, 12))


def law_of_keys(
    left: tuple[str, Operation, str, int], right: tuple[str, Operation, str, int]
) -> None:
    """Two attempts have one key only if they are one."""
    keys = [
        intending.operation_key(OrderId(order), operation, TenderId(tender), attempt)
        for order, operation, tender, attempt in (left, right)
    ]
    assert (keys[0] == keys[1]) == (left == right)
    assert all(len(key) <= 64 for key in keys)


@LAW
@given(left=attempts, right=attempts)
def test_keys_never_collide(
    left: tuple[str, Operation, str, int], right: tuple[str, Operation, str, int]
) -> None:
    """PAY-2: a key is a pure function of order, operation, tender and attempt, and injective."""
    law_of_keys(left, right)


def law_of_declared(can: Capabilities, asked: Iterable[int]) -> None:
    """
    Whatever is added, claimed, asked by hand, lowered and given back: only what is declared.

    The law itself judges every intent as it is recorded: `law_of_capabilities`.
    """
    shop = Shop(capabilities=can, policy=PaymentPolicy(renew_before=timedelta(days=2)))
    shop.work()
    with_wishes(shop, owed=12_000)
    shop.work()
    shop.wait(60 * 24 * 6)
    shop.work()
    for minor in asked:
        claimed = min(shop.wishes.owed, shop.wishes.claimable + minor)
        with_wishes(shop, claimable=claimed)
        with suppress(RefusedError):
            shop.tell(CaptureNow(amount=euro(max(1, minor // 2))))
        shop.work()
        with_wishes(shop, owed=max(claimed, shop.wishes.owed - minor // 3))
        shop.work()
    with_wishes(shop, ended=True)
    shop.work()
    shop.wait(60 * 24 * 2)
    shop.work()


able = st.builds(
    Capabilities,
    currencies=st.sampled_from([(), ("EUR",), ("USD",)]),
    partial_capture=st.booleans(),
    multiple_capture=st.booleans(),
    partial_void=st.booleans(),
    look_up=st.booleans(),
    over_capture=st.sampled_from([Fraction(0), Fraction(15, 100)]),
    refund_before_settlement=st.booleans(),
    incremental=st.booleans(),
    extend=st.booleans(),
)


@LAW
@given(can=able, asked=st.lists(st.integers(1, 6_000), max_size=5))
def test_only_what_is_declared_is_asked(can: Capabilities, asked: list[int]) -> None:
    """PAY-2: capabilities bind every intent, those made by hand too."""
    law_of_declared(can, asked)


def law_of_surplus(owed: int, less: int) -> None:
    """What became too much is voided, what is still owed stays authorised, and then it is quiet."""
    shop = Shop(wishes=Wishes(owed=owed))
    shop.capabilities = evolve(shop.capabilities, partial_void=True)
    shop.work()
    with_wishes(shop, owed=max(owed - less, 0))
    shop.work()
    assert min(owed, less) == shop.gateway.moved(Operation.VOID)
    assert totals(shop.state, EUR).authorised == Money(max(owed - less, 0), EUR)
    assert () == shop.intend()


@LAW
@given(owed=st.integers(1, 20_000), less=st.integers(0, 20_000))
def test_the_surplus_is_voided(owed: int, less: int) -> None:
    """PAY-3: a void touches only the uncaptured rest that nobody needs."""
    law_of_surplus(owed, less)
