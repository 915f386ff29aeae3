"""What can be made to happen at the sandbox gateway: refusals, and what comes too late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import EUR, Money
from ordercore.payment.answers import Answer, Declined, DeclineKind, Succeeded, Unknown
from ordercore.payment.commands import ReportAuthorisationExpired, ReportOperation
from ordercore.payment.model import Operation, Tender
from ordercore.payment.policy import Capabilities
from ordercore.ports.gateways import PaymentCall
from ordercore.testing.sandbox import (
    EntryState,
    Fate,
    SandboxGateway,
    UnknownToSandboxError,
    ViolationKind,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ABLE = Capabilities(incremental=True, extend=True, authorisation_lifetime=timedelta(days=1))
CARD, OTHER = Tender(id=TenderId("card")), Tender(id=TenderId("other"))


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
def shop(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[SandboxGateway]:
    path = ":memory:" if request.param == "memory" else tmp_path / "gateway.db"
    gateway = SandboxGateway(path, clock=clock, capabilities=ABLE)
    yield gateway
    gateway.close()


def call(
    operation: Operation,
    key: str,
    minor: int = 1000,
    *,
    target: Reference | None = None,
    tender: Tender = CARD,
    not_after: datetime = NOON + timedelta(days=9),
) -> PaymentCall:
    return PaymentCall(
        order=OrderId("o-1"),
        key=Key(key),
        operation=operation,
        tender=tender,
        amount=Money(minor, EUR),
        not_after=not_after,
        target=target,
    )


def reference_of(answer: Answer) -> Reference:
    assert isinstance(answer, Succeeded)
    return answer.reference


def test_a_tender_is_refused_until_it_is_accepted(shop: SandboxGateway) -> None:
    """Each time, for now, for authorisations and increases; other tenders are as good as before."""
    held = reference_of(shop.authorise(call(Operation.AUTHORISE, "a")))
    shop.refuse(CARD.id)
    shop.refuse(CARD.id)
    answers = [
        shop.authorise(call(Operation.AUTHORISE, "b")),
        shop.authorise(call(Operation.AUTHORISE, "c")),
        shop.increase(call(Operation.INCREASE, "d", 1500, target=held)),
    ]
    assert [Declined(kind=DeclineKind.SOFT, code="try_again_later")] * 3 == answers
    reference_of(shop.authorise(call(Operation.AUTHORISE, "e", tender=OTHER)))
    reference_of(shop.capture(call(Operation.CAPTURE, "f", target=held)))
    shop.accept(CARD.id)
    reference_of(shop.authorise(call(Operation.AUTHORISE, "g")))
    shop.refuse(CARD.id)
    assert answers[0] == shop.authorise(call(Operation.AUTHORISE, "h"))
    assert () == shop.violations()


def test_what_was_declined_can_have_happened(shop: SandboxGateway, clock: Clock) -> None:
    """From then on it is a success that lasts a lifetime, and that is told under its key."""
    shop.refuse(CARD.id)
    shop.authorise(call(Operation.AUTHORISE, "a"))
    clock.now += timedelta(hours=5)
    shop.overturn(Key("a"))
    (row,) = shop.ledger()
    assert (EntryState.SUCCEEDED, "") == (row.state, row.code)
    assert row.reference == reference_of(shop.authorise(call(Operation.AUTHORISE, "a")))
    assert Money(1000, EUR) == shop.totals(EUR).live
    (told,) = (one.report for one in shop.webhooks())
    assert isinstance(told, ReportOperation)
    assert (Key("a"), row.reference, clock.now) == (told.key, told.reference, told.at)
    clock.now += ABLE.authorisation_lifetime
    assert Money(0, EUR) == shop.totals(EUR).live
    assert [ReportAuthorisationExpired(reference=row.reference, at=clock.now)] == [
        one.report for one in shop.webhooks()
    ]


def test_only_a_declined_authorisation_can_have_happened(shop: SandboxGateway) -> None:
    """Not one that stands, not a capture, and nothing that nobody knows."""
    held = reference_of(shop.authorise(call(Operation.AUTHORISE, "a")))
    shop.capture(call(Operation.CAPTURE, "c", 5000, target=held))
    for key in ("a", "c", "nothing"):
        with pytest.raises(UnknownToSandboxError, match=f"knows nothing of {key}"):
            shop.overturn(Key(key))


def test_a_lost_call_can_arrive(shop: SandboxGateway, clock: Clock) -> None:
    """However late, without blame, and only once."""
    lost = call(Operation.AUTHORISE, "a", not_after=NOON + timedelta(minutes=15))
    shop.meet(Fate.LOST_CALL)
    assert isinstance(shop.authorise(lost), Unknown)
    assert () == shop.ledger()
    clock.now += timedelta(hours=9)
    shop.arrive(lost)
    shop.arrive(lost)
    assert [(Key("a"), clock.now)] == [(row.key, row.at) for row in shop.ledger()]
    assert [Key("a")] == [
        one.report.key for one in shop.webhooks() if isinstance(one.report, ReportOperation)
    ]
    assert () == shop.violations()


def sent(shop: SandboxGateway, asked: PaymentCall) -> Answer:
    calls = {
        Operation.CAPTURE: shop.capture,
        Operation.EXTEND: shop.extend,
        Operation.INCREASE: shop.increase,
    }
    return calls[asked.operation](asked)


@pytest.mark.parametrize("operation", [Operation.CAPTURE, Operation.EXTEND, Operation.INCREASE])
def test_who_captures_or_changes_what_has_ended_is_blamed(
    shop: SandboxGateway, clock: Clock, operation: Operation
) -> None:
    """Its end was told; the clocks may differ by a minute, and a void may come late."""
    held = reference_of(shop.authorise(call(Operation.AUTHORISE, "a")))
    clock.now += ABLE.authorisation_lifetime + timedelta(minutes=1)
    late = call(operation, "b", target=held)
    sent(shop, late)
    assert () == shop.violations()
    clock.now += timedelta(seconds=1)
    shop.void(call(Operation.VOID, "v", target=held))
    assert ViolationKind.SENT_TOO_LATE not in {found.kind for found in shop.violations()}
    sent(shop, evolve(late, key=Key("c")))
    (found,) = (each for each in shop.violations() if each.kind is ViolationKind.SENT_TOO_LATE)
    assert ("c", "by 0:01:01: the authorisation had ended") == (found.key, found.detail)


def test_an_extension_or_an_end_before_its_time_is_no_blame(
    shop: SandboxGateway, clock: Clock
) -> None:
    """An extended authorisation stands; that one was ended early nobody can know at once."""
    held = reference_of(shop.authorise(call(Operation.AUTHORISE, "a")))
    clock.now += timedelta(hours=20)
    shop.extend(call(Operation.EXTEND, "e", target=held))
    clock.now += timedelta(hours=20)
    reference_of(shop.capture(call(Operation.CAPTURE, "b", 400, target=held)))
    shop.expire(held)
    clock.now += timedelta(hours=2)
    shop.capture(call(Operation.CAPTURE, "c", 600, target=held))
    assert () == shop.violations()
