"""The sandbox gateway: rules, faults, webhooks, and books that outlive a process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from attrs import evolve

from ordercore.errors import InvalidValueError, NotFoundError, UnavailableError
from ordercore.facts import Report
from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import EUR, JPY, USD, Money
from ordercore.payment.answers import (
    ActionRequired,
    Answer,
    Declined,
    DeclineKind,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.commands import (
    ReportAnswer,
    ReportAuthorisationExpired,
    ReportDispute,
    ReportFailure,
    ReportOperation,
)
from ordercore.payment.model import (
    DisputeStatus,
    InvalidPaymentError,
    Operation,
    Tender,
    TenderKind,
)
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import PaymentCall
from ordercore.testing.sandbox import (
    EntryState,
    Fate,
    Faults,
    SandboxDownError,
    SandboxFileError,
    SandboxGateway,
    SandboxTotals,
    UnknownToSandboxError,
    ViolationKind,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDER = OrderId("o-1")
CARD = Tender(id=TenderId("card"), instrument="tok_secret")


def eur(minor: int) -> Money:
    return Money(minor, EUR)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def call(
    operation: Operation,
    key: str,
    minor: int = 1000,
    *,
    target: Answer | Reference | None = None,
    tender: Tender = CARD,
    order: OrderId = ORDER,
) -> PaymentCall:
    reference = reference_of(target) if target is not None else None
    return PaymentCall(
        order=order,
        key=Key(key),
        operation=operation,
        tender=tender,
        amount=eur(minor),
        not_after=NOON + timedelta(minutes=15),
        target=reference,
    )


def reference_of(answer: object) -> Reference:
    if isinstance(answer, Succeeded | Pending | ActionRequired | PartiallyApproved):
        return answer.reference
    assert isinstance(answer, str)
    return Reference(answer)


def gateway(
    clock: Clock, declared: Capabilities | None = None, *, faults: Faults | None = None
) -> SandboxGateway:
    return SandboxGateway(":memory:", clock=clock, faults=faults or Faults(), capabilities=declared)


def told(shop: SandboxGateway, now: datetime | None = None) -> list[Report]:
    return [delivery.report for delivery in shop.webhooks(now)]


def code(answer: object) -> tuple[str, str]:
    assert isinstance(answer, Declined), answer
    return answer.kind.value, answer.code


AUTHORISE, CAPTURE, VOID, REFUND, INCREASE, EXTEND = Operation
CHANGES = Capabilities(incremental=True, extend=True)


# --- rules --------------------------------------------------------------------------------------


def test_money_moves_and_is_counted(clock: Clock) -> None:
    """Authorise, capture, void the rest, refund: each figure stands in the totals."""
    shop = gateway(clock)
    held = shop.authorise(call(AUTHORISE, "a", 1000))
    taken = shop.capture(call(CAPTURE, "c", 600, target=held))
    shop.void(call(VOID, "v", 400, target=held))
    shop.refund(call(REFUND, "r", 250, target=taken))
    assert SandboxTotals(
        authorised=eur(1000),
        live=eur(0),
        captured=eur(600),
        voided=eur(400),
        refunded=eur(250),
        disputed=eur(0),
    ) == shop.totals(EUR, order=ORDER)
    assert shop.totals(EUR) == shop.totals(EUR, order=ORDER)
    assert Money(0, USD) == shop.totals(USD).authorised
    assert (eur(1000), eur(600), eur(250)) == (
        shop.authorised(ORDER),
        shop.captured(ORDER),
        shop.refunded(ORDER),
    )
    assert () == shop.violations()


def test_an_increase_sets_the_whole(clock: Clock) -> None:
    """The amount is that of the whole; the totals, captures and voids know it."""
    shop = gateway(clock, CHANGES)
    held = shop.authorise(call(AUTHORISE, "a", 1000))
    assert isinstance(shop.increase(call(INCREASE, "i", 1500, target=held)), Succeeded)
    assert (eur(1500), eur(1500)) == (shop.authorised(ORDER), shop.totals(EUR).live)
    assert ("configuration", "increase_is_none") == code(
        shop.increase(call(INCREASE, "less", 1200, target=held))
    )
    assert isinstance(shop.capture(call(CAPTURE, "c", 1500, target=held)), Succeeded)
    assert ("configuration", "not_whole") == code(
        shop.increase(call(INCREASE, "late", 1700, target=held))
    )
    assert {"increase_is_none", "not_whole"} == {found.detail for found in shop.violations()}


def test_an_extension_lasts_one_lifetime_more(clock: Clock) -> None:
    """It can be captured past its first end, of which nothing is told, and not past the second."""
    shop = gateway(clock, CHANGES)
    held = shop.authorise(call(AUTHORISE, "a"))
    clock.passes(timedelta(days=6))
    soon = evolve(call(EXTEND, "e", target=held), not_after=clock.now)
    extended = shop.extend(soon)
    assert isinstance(extended, Succeeded)
    assert clock.now + timedelta(days=7) == extended.expires_at
    clock.passes(timedelta(days=2))
    assert not [one for one in told(shop) if isinstance(one, ReportAuthorisationExpired)]
    assert eur(1000) == shop.totals(EUR).live
    clock.passes(timedelta(days=5))
    ends = [one for one in told(shop) if isinstance(one, ReportAuthorisationExpired)]
    assert [reference_of(held)] == [one.reference for one in ends]
    late = evolve(call(CAPTURE, "c", target=held), not_after=clock.now)
    assert ("hard", "authorisation_expired") == code(shop.capture(late))
    assert ("hard", "authorisation_expired") == code(shop.extend(evolve(soon, key=Key("e2"))))
    assert eur(0) == shop.totals(EUR).live


def test_an_end_before_its_time_ends_extensions_too(clock: Clock) -> None:
    """What the outside ends is over, however long it was extended."""
    shop = gateway(clock, CHANGES)
    held = shop.authorise(call(AUTHORISE, "a"))
    shop.extend(call(EXTEND, "e", target=held))
    shop.expire(reference_of(held))
    assert eur(0) == shop.totals(EUR).live


@pytest.mark.parametrize(
    ("operation", "minor", "expected"),
    [(INCREASE, 1500, "not_declared"), (EXTEND, 1000, "not_declared")],
)
def test_what_is_not_declared_is_blamed(
    clock: Clock, operation: Operation, minor: int, expected: str
) -> None:
    """PAY-2: a gateway that declares neither refuses both, and the audit names who asked."""
    shop = gateway(clock)
    held = shop.authorise(call(AUTHORISE, "a"))
    asked = call(operation, "x", minor, target=held)
    answer = shop.increase(asked) if operation is INCREASE else shop.extend(asked)
    assert ("configuration", expected) == code(answer)
    assert [expected] == [found.detail for found in shop.violations()]


def test_an_extension_is_of_the_whole(clock: Clock) -> None:
    """Another amount than the authorisation has is the shop's own fault."""
    shop = gateway(clock, CHANGES)
    held = shop.authorise(call(AUTHORISE, "a"))
    assert ("configuration", "extension_differs") == code(
        shop.extend(call(EXTEND, "e", 900, target=held))
    )


def test_an_unheard_order_is_not_found(clock: Clock) -> None:
    """There is no amount for an order that the gateway never heard of."""
    with pytest.raises(UnknownToSandboxError, match="knows nothing of o-1") as caught:
        gateway(clock).captured(ORDER)
    assert isinstance(caught.value, NotFoundError)


@pytest.mark.parametrize(
    ("minor", "expected"),
    [
        (1002, ("hard", "do_not_honour")),
        (1005, ("soft", "try_again_later")),
        (1009, ("fraud", "suspected_fraud")),
    ],
)
def test_amounts_decide_about_declines(clock: Clock, minor: int, expected: tuple[str, str]) -> None:
    """The last two digits of an authorisation say how it is declined, the same each time."""
    shop = gateway(clock)
    sent = call(AUTHORISE, "a", minor)
    assert [expected] * 2 == [code(shop.authorise(sent)) for _ in range(2)]
    assert expected == code(shop.look_up(sent))
    assert eur(0) == shop.authorised(ORDER)


def test_a_soft_decline_is_the_first_only(clock: Clock) -> None:
    """A second attempt under a fresh key succeeds; another tender is first again."""
    shop = gateway(clock)
    first = shop.authorise(call(AUTHORISE, "a1", 1005))
    assert isinstance(first, Declined)
    assert timedelta(minutes=10) == first.retry_after
    assert isinstance(shop.authorise(call(AUTHORISE, "a2", 1005)), Succeeded)
    wallet = Tender(id=TenderId("wallet"), kind=TenderKind.WALLET)
    assert (
        DeclineKind.SOFT.value
        == code(shop.authorise(call(AUTHORISE, "b1", 1005, tender=wallet, order=OrderId("o-2"))))[0]
    )


def test_a_gift_card_may_hold_half(clock: Clock) -> None:
    """Store value is approved in part, a card in full."""
    shop = gateway(clock)
    gift = Tender(id=TenderId("gift"), kind=TenderKind.GIFT_CARD)
    part = shop.authorise(call(AUTHORISE, "g", 1008, tender=gift))
    whole = shop.authorise(call(AUTHORISE, "a", 1008))
    assert isinstance(part, PartiallyApproved)
    assert isinstance(whole, Succeeded)
    assert (eur(504), eur(1008)) == (part.amount, whole.amount)
    assert eur(504) == shop.ledger()[0].amount


def test_amounts_may_be_left_alone() -> None:
    """With decline=False every amount is taken."""
    shop = SandboxGateway(":memory:", decline=False)
    assert {Succeeded} == {
        type(shop.authorise(call(AUTHORISE, f"a{minor}", minor))) for minor in range(1000, 1020)
    }


def test_a_key_keeps_its_body(clock: Clock) -> None:
    """Another amount, tender, target or deadline under a known key is declined and noted."""
    shop = gateway(clock)
    sent = call(AUTHORISE, "a")
    first = shop.authorise(sent)
    others = (
        evolve(sent, amount=eur(1001)),
        evolve(sent, order=OrderId("o-2")),
        evolve(sent, tender=evolve(CARD, instrument="tok_other")),
        evolve(sent, operation=CAPTURE, target=Reference("x")),
        evolve(sent, not_after=sent.not_after + timedelta(minutes=1)),
    )
    assert [("configuration", "key_reused")] * 5 == [code(shop.authorise(it)) for it in others]
    assert first == shop.authorise(sent)
    assert {ViolationKind.KEY_REUSED} == {found.kind for found in shop.violations()}
    assert 5 == len(shop.violations())


@pytest.mark.parametrize("path", [":memory:", ""])
def test_a_key_is_forgotten_when_its_lifetime_is_over(
    path: str, tmp_path: Path, clock: Clock
) -> None:
    """A question finds it no more; the same call moves money twice, and the books say so."""
    shop = SandboxGateway(path or tmp_path / "pay.db", clock=clock)
    sent = evolve(call(AUTHORISE, "k"), not_after=NOON + timedelta(days=3))
    assert shop.authorise(sent) == shop.authorise(sent)
    assert () == shop.violations()
    clock.passes(shop.capabilities.key_lifetime - timedelta(seconds=1))
    assert isinstance(shop.look_up(sent), Succeeded)
    clock.passes(timedelta(seconds=1))
    assert isinstance(shop.look_up(sent), NotFound)
    shop.authorise(sent)
    assert [ViolationKind.KEY_DONE_TWICE] == [found.kind for found in shop.violations()]


@pytest.mark.parametrize(
    ("operation", "minor", "expected"),
    [
        (CAPTURE, 1001, "capture_exceeds_authorisation"),
        (VOID, 1001, "void_exceeds_authorisation"),
        (VOID, 999, "partial_void"),
        (REFUND, 1000, "unknown_target"),
    ],
)
def test_bounds_of_an_authorisation(
    clock: Clock, operation: Operation, minor: int, expected: str
) -> None:
    """What an authorisation does not allow is declined as the shop's fault, and noted."""
    shop = gateway(clock)
    held = shop.authorise(call(AUTHORISE, "a"))
    sent = call(operation, "x", minor, target=held)
    assert ("configuration", expected) == code(getattr(shop, operation.value)(sent))
    assert [(ViolationKind.OVER_ASKED, "x", expected)] == [
        (found.kind, found.key, found.detail) for found in shop.violations()
    ]


def test_bounds_of_a_capture(clock: Clock) -> None:
    """Refunds do not exceed what was captured, less what is disputed."""
    shop = gateway(clock)
    taken = shop.capture(call(CAPTURE, "c", target=shop.authorise(call(AUTHORISE, "a"))))
    assert isinstance(shop.refund(call(REFUND, "r1", 300, target=taken)), Succeeded)
    assert "refund_exceeds_capture" == code(shop.refund(call(REFUND, "r2", 701, target=taken)))[1]
    shop.dispute(reference_of(taken), reference=Reference("d"), amount=eur(500))
    assert "refund_exceeds_capture" == code(shop.refund(call(REFUND, "r3", 201, target=taken)))[1]
    assert isinstance(shop.refund(call(REFUND, "r4", 200, target=taken)), Succeeded)
    shop.dispute(
        reference_of(taken), reference=Reference("d"), amount=eur(500), status=DisputeStatus.WON
    )
    assert isinstance(shop.refund(call(REFUND, "r5", 500, target=taken)), Succeeded)
    # The engine cannot have known of the dispute: only the first excess is its fault.
    assert ["r2"] == [found.key for found in shop.violations()]


def test_a_target_of_another_order_is_unknown(clock: Clock) -> None:
    """One order's money is not taken for another."""
    shop = gateway(clock)
    held = shop.authorise(call(AUTHORISE, "a"))
    other = call(CAPTURE, "c", target=held, order=OrderId("o-2"))
    assert "unknown_target" == code(shop.capture(other))[1]
    assert "unknown_target" == code(shop.capture(evolve(other, key=Key("d"), target=None)))[1]
    foreign = evolve(call(CAPTURE, "f", target=held), amount=Money(10, USD))
    assert "currency_differs" == code(shop.capture(foreign))[1]


def test_declared_capabilities_are_enforced(clock: Clock) -> None:
    """Currency, partial and multiple capture, over-capture and partial void are as declared."""
    yen = gateway(clock, Capabilities(currencies=("JPY",)))
    assert "currency_not_taken" == code(yen.authorise(call(AUTHORISE, "a")))[1]
    assert isinstance(
        yen.authorise(evolve(call(AUTHORISE, "b"), amount=Money(1000, JPY))), Succeeded
    )
    whole = gateway(clock, Capabilities(partial_capture=False))
    held = whole.authorise(call(AUTHORISE, "a"))
    assert "partial_capture" == code(whole.capture(call(CAPTURE, "c", 999, target=held)))[1]
    once = gateway(clock, Capabilities(multiple_capture=False))
    held = once.authorise(call(AUTHORISE, "a"))
    once.capture(call(CAPTURE, "c1", 400, target=held))
    assert eur(0) == once.totals(EUR).live
    assert (
        "capture_exceeds_authorisation"
        == code(once.capture(call(CAPTURE, "c2", 1, target=held)))[1]
    )
    more = gateway(clock, Capabilities(over_capture=Fraction(15, 100), partial_void=True))
    held = more.authorise(call(AUTHORISE, "a"))
    assert isinstance(more.void(call(VOID, "v", 100, target=held)), Succeeded)
    assert isinstance(more.capture(call(CAPTURE, "c", 1050, target=held)), Succeeded)
    assert () == more.violations()


def test_what_a_partial_void_leaves_is_a_whole(clock: Clock) -> None:
    """Who captures wholes only captures what is left, and no less."""
    shop = gateway(clock, Capabilities(partial_capture=False, partial_void=True))
    held = shop.authorise(call(AUTHORISE, "a"))
    assert isinstance(shop.void(call(VOID, "v", 300, target=held)), Succeeded)
    assert "partial_capture" == code(shop.capture(call(CAPTURE, "c1", 699, target=held)))[1]
    assert isinstance(shop.capture(call(CAPTURE, "c2", 700, target=held)), Succeeded)
    assert ["c1"] == [found.key for found in shop.violations()]


def test_a_refund_may_have_to_wait_for_settlement(clock: Clock) -> None:
    """Before that it is declined for now, with the time to wait."""
    declared = Capabilities(refund_before_settlement=False, settlement_delay=timedelta(days=2))
    shop = gateway(clock, declared)
    taken = shop.capture(call(CAPTURE, "c", target=shop.authorise(call(AUTHORISE, "a"))))
    clock.passes(timedelta(days=1))
    early = shop.refund(call(REFUND, "r1", target=taken))
    assert (
        Declined(kind=DeclineKind.SOFT, code="not_settled", retry_after=timedelta(days=1)) == early
    )
    clock.passes(timedelta(days=1))
    assert isinstance(shop.refund(call(REFUND, "r2", target=taken)), Succeeded)


def test_an_authorisation_ends(clock: Clock) -> None:
    """After its lifetime nothing is captured; the webhook says so where something was left."""
    shop = gateway(clock, Capabilities(authorisation_lifetime=timedelta(days=7)))
    used = shop.authorise(call(AUTHORISE, "a1"))
    idle = shop.authorise(call(AUTHORISE, "a2"))
    assert isinstance(idle, Succeeded)
    assert NOON + timedelta(days=7) == idle.expires_at
    shop.capture(call(CAPTURE, "c1", target=used))
    clock.passes(timedelta(days=7))
    late = evolve(call(CAPTURE, "c2", target=idle), not_after=clock.now)
    assert ("hard", "authorisation_expired") == code(shop.capture(late))
    assert eur(0) == shop.totals(EUR).live
    assert [ReportAuthorisationExpired(reference=idle.reference, at=clock.now)] == [
        report for report in told(shop) if isinstance(report, ReportAuthorisationExpired)
    ]


# --- faults -------------------------------------------------------------------------------------


def test_a_lost_call_did_not_happen(clock: Clock) -> None:
    """Unknown, and nothing is in the books; a look-up is lost too."""
    shop = gateway(clock, faults=Faults(lost_call=1000))
    sent = call(AUTHORISE, "a")
    assert Unknown(reason="timeout") == shop.authorise(sent)
    assert Unknown(reason="timeout") == shop.look_up(sent)
    assert () == shop.ledger()


def test_a_lost_answer_did_happen(clock: Clock) -> None:
    """Unknown, and the books have it, once, however often it is sent again."""
    shop = gateway(clock, faults=Faults(lost_answer=1000))
    sent = call(AUTHORISE, "a")
    assert [Unknown(reason="timeout")] * 3 == [shop.authorise(sent) for _ in range(3)]
    assert eur(1000) == shop.authorised(ORDER)


def test_a_late_call_happens_later(clock: Clock, tmp_path: Path) -> None:
    """It is not found at first, then it has happened: "not found" may mean "not yet"."""
    late = SandboxGateway(tmp_path / "g.db", clock=clock, faults=Faults(late_call=1000))
    plain = SandboxGateway(tmp_path / "g.db", clock=clock)
    sent = call(AUTHORISE, "a")
    assert Unknown(reason="timeout") == late.authorise(sent)
    assert NotFound() == plain.look_up(sent)
    clock.passes(timedelta(minutes=10))
    found = plain.look_up(sent)
    assert isinstance(found, Succeeded)
    (entry,) = plain.ledger()
    assert NOON < entry.at <= clock.now
    assert found == plain.authorise(sent)


def test_a_late_call_that_was_sent_again_is_one(clock: Clock, tmp_path: Path) -> None:
    """The resend wins; the straggler finds its key done."""
    late = SandboxGateway(tmp_path / "g.db", clock=clock, faults=Faults(late_call=1000))
    plain = SandboxGateway(tmp_path / "g.db", clock=clock)
    sent = call(AUTHORISE, "a")
    late.authorise(sent)
    done = plain.authorise(sent)
    clock.passes(timedelta(minutes=10))
    assert done == plain.look_up(sent)
    assert 1 == len(plain.ledger())


def test_a_server_error_raises(clock: Clock) -> None:
    """The engine takes whatever is raised for Unknown; nothing happened."""
    shop = gateway(clock, faults=Faults(error=1000))
    for ask in (shop.authorise, shop.look_up):
        with pytest.raises(SandboxDownError) as caught:
            ask(call(AUTHORISE, "a"))
        assert isinstance(caught.value, UnavailableError)
    assert () == shop.ledger()


@pytest.mark.parametrize(
    ("faults", "kind"),
    [(Faults(pending=1000), Pending), (Faults(action=1000), ActionRequired)],
    ids=["pending", "action"],
)
def test_what_waits_is_known_later(clock: Clock, faults: Faults, kind: type[object]) -> None:
    """First it waits, then a look-up, a resend and a webhook tell the same."""
    shop = gateway(clock, faults=faults)
    sent = call(AUTHORISE, "a")
    assert kind is type(shop.authorise(sent))
    assert EntryState.PENDING is shop.ledger()[0].state
    assert (eur(0), eur(0)) == (shop.totals(EUR).authorised, shop.totals(EUR).live)
    assert [] == told(shop)
    clock.passes(timedelta(hours=1))
    found = shop.look_up(sent)
    assert isinstance(found, Succeeded)
    assert found == shop.authorise(sent)
    (report,) = told(shop)
    assert isinstance(report, ReportOperation)
    assert (found.reference, eur(1000)) == (report.reference, report.amount)


def test_a_pending_decline_is_told_as_an_answer(clock: Clock) -> None:
    """What was refused after a while reaches the order as the answer to its key."""
    shop = gateway(clock, faults=Faults(pending=1000))
    shop.authorise(call(AUTHORISE, "a", 1002))
    clock.passes(timedelta(hours=1))
    (report,) = told(shop)
    assert isinstance(report, ReportAnswer)
    assert ("a", ("hard", "do_not_honour")) == (report.key, code(report.answer))


def test_an_action_is_for_authorisations_only(clock: Clock, tmp_path: Path) -> None:
    """Nobody has to confirm a capture."""
    plain = SandboxGateway(tmp_path / "g.db", clock=clock)
    held = plain.authorise(call(AUTHORISE, "a"))
    shop = SandboxGateway(tmp_path / "g.db", clock=clock, faults=Faults(action=1000))
    assert isinstance(shop.capture(call(CAPTURE, "c", target=held)), Succeeded)


def test_nothing_is_taken_from_what_is_pending(clock: Clock) -> None:
    """An authorisation that is not known yet cannot be captured, nor a capture refunded."""
    shop = gateway(clock, faults=Faults(pending=1000))
    held = shop.authorise(call(AUTHORISE, "a"))
    shop.capture(call(CAPTURE, "c", target=held))
    clock.passes(timedelta(hours=1))
    assert "capture_exceeds_authorisation" == code(shop.look_up(call(CAPTURE, "c")))[1]


def test_a_success_may_be_taken_back(clock: Clock) -> None:
    """A capture fails later: it counts as nothing, and a webhook says so (RULES PAY-6)."""
    shop = gateway(clock, faults=Faults(taken_back=1000))
    held = shop.authorise(call(AUTHORISE, "a"))
    taken = shop.capture(call(CAPTURE, "c", target=held))
    assert eur(1000) == shop.captured(ORDER)
    clock.passes(timedelta(hours=1))
    assert eur(0) == shop.captured(ORDER)
    assert eur(1000) == shop.totals(EUR).live
    assert EntryState.TAKEN_BACK is shop.ledger()[1].state
    (failure,) = [report for report in told(shop) if isinstance(report, ReportFailure)]
    assert (CAPTURE, reference_of(taken)) == (failure.operation, failure.reference)
    assert () == shop.violations()


def test_faults_follow_from_seed_and_key(clock: Clock) -> None:
    """The same seed goes wrong in the same way, another seed in another."""
    faults = Faults(lost_call=250, lost_answer=250, pending=250)

    def run(seed: int) -> list[Answer]:
        shop = SandboxGateway(":memory:", seed=seed, clock=clock, faults=faults)
        return [shop.authorise(call(AUTHORISE, f"a{number}", 1000)) for number in range(40)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert {Unknown, Pending, Succeeded} == {type(answer) for answer in run(1)}


@pytest.mark.parametrize("rate", [-1, 1001, True])
def test_rates_are_out_of_a_thousand(rate: int) -> None:
    """A rate below zero or above 1,000 is refused."""
    with pytest.raises(InvalidValueError):
        Faults(late=rate)


def test_rates_of_calls_exclude_each_other() -> None:
    """Together they cannot be more than all calls, and a delay is longer than zero."""
    with pytest.raises(InvalidPaymentError, match="more than 1,000"):
        Faults(lost_call=600, error=401)
    with pytest.raises(InvalidPaymentError, match="longer than zero"):
        Faults(longest_delay=timedelta(0))


# --- webhooks -----------------------------------------------------------------------------------


def test_webhooks_tell_each_operation_once(clock: Clock) -> None:
    """In order, addressed to the order, with key, reference and cumulative amount."""
    shop = gateway(clock)
    held = shop.authorise(call(AUTHORISE, "a"))
    taken = shop.capture(call(CAPTURE, "c", 600, target=held))
    first, second = shop.webhooks()
    assert (ORDER, ORDER) == (first.order, second.order)
    assert (
        ReportOperation(
            operation=AUTHORISE,
            reference=reference_of(held),
            amount=eur(1000),
            key=Key("a"),
            expires_at=NOON + timedelta(days=7),
            at=NOON,
        )
        == first.report
    )
    assert (
        ReportOperation(
            operation=CAPTURE, reference=reference_of(taken), amount=eur(600), key=Key("c"), at=NOON
        )
        == second.report
    )
    assert first.id != second.id
    assert [] == told(shop)


def test_a_declined_operation_is_not_told(clock: Clock) -> None:
    """Who was told in the answer is not told again."""
    shop = gateway(clock)
    shop.authorise(call(AUTHORISE, "a", 1002))
    assert [] == told(shop)


def test_a_receiver_that_dies_is_told_again(clock: Clock) -> None:
    """A message counts as delivered when the next one is asked for."""
    shop = gateway(clock)
    shop.authorise(call(AUTHORISE, "a1"))
    shop.authorise(call(AUTHORISE, "a2"))
    first = next(shop.webhooks())
    assert [first.id] == [delivery.id for delivery in shop.webhooks()][:1]


def test_webhooks_come_late_twice_and_out_of_order(clock: Clock) -> None:
    """Each message comes with the same id for each copy, until all have come."""
    shop = gateway(clock, faults=Faults(twice=500, late=500))
    for number in range(40):
        shop.authorise(call(AUTHORISE, f"a{number}", order=OrderId(f"o-{number}")))
        clock.passes(timedelta(minutes=1))
    seen = list(shop.webhooks(clock.now + timedelta(hours=1)))
    assert 40 == len({delivery.id for delivery in seen})
    assert 50 < len(seen) < 80
    assert [delivery.at for delivery in seen] == sorted(delivery.at for delivery in seen)
    happened = [delivery.report.at for delivery in seen]
    assert happened != sorted(happened)


def test_webhooks_may_be_lost_or_nameless(clock: Clock) -> None:
    """Some never come, some do not repeat our key."""
    lost = gateway(clock, faults=Faults(lost=1000))
    lost.authorise(call(AUTHORISE, "a"))
    assert [] == told(lost)
    nameless = gateway(clock, faults=Faults(nameless=1000))
    nameless.authorise(call(AUTHORISE, "a"))
    (report,) = told(nameless)
    assert isinstance(report, ReportOperation)
    assert report.key is None


def test_what_happens_outside_is_told(clock: Clock) -> None:
    """Failure, expiry and dispute can be caused by a test, and reach the order."""
    shop = gateway(clock)
    held = shop.authorise(call(AUTHORISE, "a"))
    taken = reference_of(shop.capture(call(CAPTURE, "c", 600, target=held)))
    told(shop)
    shop.dispute(taken, reference=Reference("d"), amount=eur(100))
    shop.dispute(taken, reference=Reference("d"), amount=eur(100), status=DisputeStatus.LOST)
    shop.fail(taken)
    shop.expire(reference_of(held))
    dispute = ReportDispute(
        reference=Reference("d"),
        capture=taken,
        amount=eur(100),
        status=DisputeStatus.OPENED,
        at=NOON,
    )
    assert [
        dispute,
        evolve(dispute, status=DisputeStatus.LOST),
        ReportFailure(operation=CAPTURE, reference=taken, reason="taken back", at=NOON),
        ReportAuthorisationExpired(reference=reference_of(held), at=NOON),
    ] == told(shop)
    nothing = Reference("nothing")
    with pytest.raises(UnknownToSandboxError):
        shop.fail(nothing)
    with pytest.raises(UnknownToSandboxError):
        shop.expire(nothing)
    with pytest.raises(UnknownToSandboxError):
        shop.dispute(nothing, reference=Reference("e"))


# --- books --------------------------------------------------------------------------------------


def test_the_ledger_says_what_really_happened(clock: Clock) -> None:
    """One row for each operation, declined ones too, with asked and moved amounts."""
    shop = gateway(clock)
    shop.authorise(call(AUTHORISE, "a", 1002))
    held = shop.authorise(call(AUTHORISE, "b", 1000))
    shop.capture(call(CAPTURE, "c", 600, target=held, order=ORDER))
    shop.authorise(call(AUTHORISE, "d", order=OrderId("o-2")))
    assert [
        ("a", AUTHORISE, EntryState.DECLINED, "do_not_honour"),
        ("b", AUTHORISE, EntryState.SUCCEEDED, ""),
        ("c", CAPTURE, EntryState.SUCCEEDED, ""),
    ] == [(row.key, row.operation, row.state, row.code) for row in shop.ledger(ORDER)]
    assert reference_of(held) == shop.ledger()[2].target
    assert 4 == len(shop.ledger())


def test_a_late_sender_is_noted(clock: Clock) -> None:
    """A call after its window is a fault of the engine; the clocks may differ by a minute."""
    shop = gateway(clock)
    clock.passes(timedelta(minutes=16))
    shop.authorise(call(AUTHORISE, "a"))
    assert () == shop.violations()
    clock.passes(timedelta(microseconds=1))
    shop.authorise(call(AUTHORISE, "b"))
    assert [(ViolationKind.SENT_TOO_LATE, "b")] == [
        (found.kind, found.key) for found in shop.violations()
    ]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            "UPDATE pay_operations SET amount = 1001 WHERE key = 'c'",
            [(ViolationKind.CAPTURED_TOO_MUCH, "a", "1001 of 1000")],
        ),
        (
            "UPDATE pay_operations SET amount = 1001 WHERE key = 'r'",
            [(ViolationKind.REFUNDED_TOO_MUCH, "c", "1001 of 1000")],
        ),
        (
            "UPDATE pay_operations SET key = 'a' WHERE key = 'b'",
            [(ViolationKind.KEY_DONE_TWICE, "a", "2 times")],
        ),
    ],
)
def test_planted_damage_is_found(
    clock: Clock, tmp_path: Path, damage: str, expected: list[tuple[ViolationKind, str, str]]
) -> None:
    """Violations are found from the single rows, not from what was allowed."""
    shop = SandboxGateway(tmp_path / "g.db", clock=clock)
    taken = shop.capture(call(CAPTURE, "c", target=shop.authorise(call(AUTHORISE, "a"))))
    shop.refund(call(REFUND, "r", target=taken))
    shop.authorise(call(AUTHORISE, "b"))
    assert () == shop.violations()
    with sqlite3.connect(tmp_path / "g.db") as connection:
        connection.execute(damage)
    connection.close()
    assert expected == [(found.kind, found.key, found.detail) for found in shop.violations()]


def test_no_secret_is_kept(tmp_path: Path) -> None:
    """The payer's instrument is in no file."""
    shop = SandboxGateway(tmp_path / "g.db")
    shop.authorise(call(AUTHORISE, "a"))
    shop.close()
    assert [] == [path.name for path in tmp_path.iterdir() if b"tok_secret" in path.read_bytes()]


def test_many_threads_share_one_gateway(tmp_path: Path) -> None:
    """Sixteen captures of a third at once: three succeed."""
    shop = SandboxGateway(tmp_path / "g.db")
    held = shop.authorise(call(AUTHORISE, "a", 900))

    def take(number: int) -> Answer:
        return shop.capture(call(CAPTURE, f"c{number}", 300, target=held))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, range(16)))
    assert 3 == sum(isinstance(answer, Succeeded) for answer in answers)
    assert eur(900) == shop.captured(ORDER)


CHILD = """
import sys
from datetime import UTC, datetime
from ordercore.ids import Key, OrderId, TenderId
from ordercore.money import EUR, Money
from ordercore.payment.model import Operation, Tender
from ordercore.ports.gateways import PaymentCall
from ordercore.testing.sandbox import SandboxGateway

shop = SandboxGateway(sys.argv[1], decline=False)
for number in range(int(sys.argv[3])):
    call = PaymentCall(
        order=OrderId("o-1"),
        key=Key(f"{sys.argv[2]}-{number}"),
        operation=Operation.AUTHORISE,
        tender=Tender(id=TenderId("card")),
        amount=Money(1000, EUR),
        not_after=datetime(2099, 1, 1, tzinfo=UTC),
    )
    print(shop.authorise(call).reference, flush=True)
"""


def child(path: Path, name: str, calls: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), name, str(calls)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_many_processes_share_one_file(tmp_path: Path) -> None:
    """Keys that several processes send at once are done once; other keys all of them."""
    path = tmp_path / "g.db"
    children = [child(path, name, 20) for name in ("same", "same", "other")]
    answers = [process.communicate(timeout=120)[0].split() for process in children]
    assert answers[0] == answers[1]
    assert [20, 20] == [len(set(answers[0])), len(set(answers[2]))]
    shop = SandboxGateway(path)
    assert 40 == len(shop.ledger())
    assert () == shop.violations()


def test_the_books_survive_a_kill(tmp_path: Path) -> None:
    """Whatever was answered before the process was killed stands in the books."""
    path = tmp_path / "g.db"
    process = child(path, "k", 100_000)
    assert process.stdout is not None
    answered = [process.stdout.readline().strip() for _ in range(25)]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    known = {row.reference for row in SandboxGateway(path).ledger()}
    assert set(answered) <= known


def test_a_closed_gateway_can_be_closed_again() -> None:
    """Closing twice changes nothing."""
    shop = SandboxGateway(":memory:")
    shop.close()
    shop.close()


def test_hidden_look_up_says_unknown(clock: Clock) -> None:
    """A gateway that declares no look-up answers Unknown to one."""
    shop = gateway(clock, Capabilities(look_up=False))
    sent = call(AUTHORISE, "a")
    shop.authorise(sent)
    assert Unknown(reason="cannot be asked") == shop.look_up(sent)


def test_its_own_clock_is_the_default() -> None:
    """Without a clock it takes the machine's."""
    before = datetime.now(UTC)
    shop = SandboxGateway(":memory:")
    shop.authorise(call(AUTHORISE, "a"))
    assert before <= shop.ledger()[0].at <= datetime.now(UTC)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """A damaged or foreign file raises an error of ours, with its cause."""
    (tmp_path / "g.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(UnavailableError, match="cannot use its file") as caught:
        SandboxGateway(tmp_path / "g.db")
    assert isinstance(caught.value.__cause__, sqlite3.Error)


# --- fates on demand, and books that can be restored --------------------------------------------


def test_a_kept_error_is_told_for_every_resend(clock: Clock) -> None:
    """It happened; who sends again gets the same error, and who asks learns the truth."""
    shop = gateway(clock)
    shop.meet(Fate.KEPT_ERROR)
    for _ in range(2):
        with pytest.raises(SandboxDownError):
            shop.authorise(call(AUTHORISE, "a"))
    assert isinstance(shop.look_up(call(AUTHORISE, "a")), Succeeded)
    assert () == shop.violations()


def test_a_wrong_amount_is_in_the_answer_only(clock: Clock) -> None:
    """The books are right; a second answer is right as well."""
    shop = gateway(clock)
    shop.meet(Fate.WRONG_AMOUNT)
    wrong, right = (shop.authorise(call(AUTHORISE, "a", 1000)) for _ in range(2))
    assert isinstance(wrong, Succeeded)
    assert isinstance(right, Succeeded)
    assert (eur(2000), eur(1000)) == (wrong.amount, right.amount)
    assert eur(1000) == shop.authorised(ORDER)


def test_books_in_memory_can_be_restored(clock: Clock, tmp_path: Path) -> None:
    """What came after is forgotten; books in a file cannot be saved so."""
    shop = gateway(clock)
    shop.authorise(call(AUTHORISE, "a"))
    books = shop.save()
    before = shop.ledger()
    shop.authorise(call(AUTHORISE, "b"))
    shop.restore(books)
    assert before == shop.ledger()
    with pytest.raises(SandboxFileError):
        SandboxGateway(tmp_path / "gateway.db").save()
