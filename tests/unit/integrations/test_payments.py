"""What Stripe says about money, as facts and reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ordercore.codec.strict_json import PayloadError
from ordercore.ids import InvalidIdentifierError, TenderId
from ordercore.integrations.payments import FactKind, PaymentFact, read_stripe, report_of
from ordercore.integrations.tenants import InvalidTenantError, Tenant, TenantMismatchError
from ordercore.money import EUR, JPY, USD, Currency, Money
from ordercore.payment.commands import ReportDispute, ReportFailure, ReportOperation
from ordercore.payment.model import DisputeStatus, Operation

TENDER = TenderId("card")


def thing(kind: str, **changes: object) -> str:
    """An object of Stripe's over 10.00 EUR."""
    fields = {
        "object": kind,
        "id": "x_1",
        "amount": 1000,
        "currency": "eur",
        "created": 1_780_000_000,
    }
    return json.dumps({**fields, **changes})


def charge(**changes: object) -> str:
    """A charge of which nothing was captured yet."""
    fields = {"status": "succeeded", "amount_captured": 0, "payment_intent": "pi_1"}
    return thing("charge", **{**fields, **changes})


def only(raw: str) -> PaymentFact:
    """The one fact of an object."""
    (fact,) = read_stripe(raw)
    return fact


@pytest.mark.parametrize(
    ("name", "kind", "minor", "raw"),
    [
        ("charge", FactKind.AUTHORISED, 100, "succeeded"),
        ("payment_intent", FactKind.PENDING, 1099, "requires_payment_method"),
        ("refund", FactKind.REFUNDED, 100, "succeeded"),
        ("dispute", FactKind.INQUIRY, 1000, "warning_needs_response"),
    ],
)
def test_every_sample_is_read(
    shared_data: Path, name: str, kind: FactKind, minor: int, raw: str
) -> None:
    """Stripe's own fixtures become one fact each; nothing secret is kept."""
    (fact,) = read_stripe((shared_data / "payloads" / "stripe" / f"{name}.json").read_bytes())
    assert (kind, Money(minor, USD), raw) == (fact.kind, fact.amount, fact.raw)
    for secret in ("secret", "4242", "Jenny", "AOB934RVNwzk6xtn"):
        assert secret not in repr(fact)


@pytest.mark.parametrize(
    ("changes", "kind", "minor", "raw"),
    [
        ({}, FactKind.AUTHORISED, 1000, "succeeded"),
        ({"amount_captured": 400}, FactKind.CAPTURED, 400, "succeeded"),
        ({"refunded": True}, FactKind.VOIDED, 1000, "succeeded"),
        ({"status": "pending"}, FactKind.PENDING, 1000, "pending"),
        ({"status": "failed"}, FactKind.DECLINED, 1000, "failed"),
        (
            {"status": "failed", "failure_code": "card_declined"},
            FactKind.DECLINED,
            1000,
            "card_declined",
        ),
        ({"status": "teleported"}, FactKind.UNKNOWN, 1000, "teleported"),
    ],
)
def test_a_charge_tells_what_happened(
    changes: dict[str, object], kind: FactKind, minor: int, raw: str
) -> None:
    """Its money is known by its intent, so that charge and intent tell the same fact."""
    fact = only(charge(**changes))
    assert (kind, Money(minor, EUR), raw, "pi_1") == (
        fact.kind,
        fact.amount,
        fact.raw,
        fact.reference,
    )


def test_a_charge_tells_of_its_refunds_too() -> None:
    """Each refund by its own reference, and they belong to the same payment."""
    refund = {
        "object": "refund",
        "id": "re_1",
        "amount": 300,
        "currency": "eur",
        "created": 1_780_000_100,
        "status": "succeeded",
        "payment_intent": "pi_1",
    }
    facts = read_stripe(charge(amount_captured=1000, refunds={"data": [refund]}))
    assert [
        (FactKind.CAPTURED, "pi_1", "pi_1", 1000),
        (FactKind.REFUNDED, "re_1", "pi_1", 300),
    ] == [(fact.kind, fact.reference, fact.payment, fact.amount.minor) for fact in facts]


@pytest.mark.parametrize(
    ("changes", "kind", "minor", "raw"),
    [
        (
            {"status": "requires_capture", "amount_capturable": 900},
            FactKind.AUTHORISED,
            900,
            "requires_capture",
        ),
        ({"status": "succeeded", "amount_received": 800}, FactKind.CAPTURED, 800, "succeeded"),
        ({"status": "canceled"}, FactKind.VOIDED, 1000, "canceled"),
        ({"status": "processing"}, FactKind.PENDING, 1000, "processing"),
        (
            {
                "status": "requires_payment_method",
                "last_payment_error": {"decline_code": "lost_card", "code": "x"},
            },
            FactKind.DECLINED,
            1000,
            "lost_card",
        ),
        (
            {"status": "requires_payment_method", "last_payment_error": {"type": "api_error"}},
            FactKind.PENDING,
            1000,
            "requires_payment_method",
        ),
        ({"status": "teleported"}, FactKind.UNKNOWN, 1000, "teleported"),
    ],
)
def test_an_intent_tells_what_happened(
    changes: dict[str, object], kind: FactKind, minor: int, raw: str
) -> None:
    """A decline is one only where a reason says so."""
    fact = only(thing("payment_intent", **changes))
    assert (kind, Money(minor, EUR), raw) == (fact.kind, fact.amount, fact.raw)


@pytest.mark.parametrize(
    ("status", "operation"),
    [
        ("requires_capture", Operation.AUTHORISE),
        ("succeeded", Operation.CAPTURE),
        ("canceled", Operation.VOID),
    ],
)
def test_money_that_moved_becomes_a_report(status: str, operation: Operation) -> None:
    """With the key that the adapter sent along, so that the order finds its own intent."""
    fact = only(
        thing(
            "payment_intent",
            status=status,
            amount_capturable=1000,
            amount_received=1000,
            metadata={"ordercore_key": "order-1:authorise:1"},
        )
    )
    report = report_of(fact, TENDER)
    assert isinstance(report, ReportOperation)
    assert (operation, Money(1000, EUR), "x_1", "order-1:authorise:1") == (
        report.operation,
        report.amount,
        report.reference,
        report.key,
    )


def test_a_refund_that_failed_is_taken_back() -> None:
    """Whether it failed or was cancelled, the money did not go."""
    for status in ("failed", "canceled"):
        report = report_of(only(thing("refund", status=status)), TENDER)
        assert isinstance(report, ReportFailure)
        assert (Operation.REFUND, "x_1", status) == (
            report.operation,
            report.reference,
            report.reason,
        )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("needs_response", DisputeStatus.OPENED),
        ("under_review", DisputeStatus.OPENED),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
        ("warning_needs_response", None),
        ("warning_closed", None),
        ("teleported", None),
    ],
)
def test_a_dispute_is_reported_when_money_moved(
    status: str, expected: DisputeStatus | None
) -> None:
    """An inquiry moves no money, and an unknown word is no fact."""
    report = report_of(only(thing("dispute", status=status, charge="ch_1")), TENDER)
    assert expected == (report.status if isinstance(report, ReportDispute) else None)


def test_an_event_gives_its_own_time() -> None:
    """An object keeps the time of its making; what happened to it happened when the event says."""
    inner = json.loads(thing("refund", status="succeeded"))
    fact = only(
        json.dumps({"object": "event", "created": 1_790_000_000, "data": {"object": inner}})
    )
    assert datetime.fromtimestamp(1_790_000_000, UTC) == fact.at


@pytest.mark.parametrize(
    ("code", "minor", "expected"),
    [
        ("jpy", 500, Money(500, JPY)),
        ("isk", 50000, Money(500, Currency("ISK"))),
        ("mga", 5, Money(500, Currency("MGA"))),
        ("bhd", 5000, Money(5000, Currency("BHD"))),
    ],
)
def test_amounts_are_in_stripes_own_minor_units(code: str, minor: int, expected: Money) -> None:
    """Where Stripe counts other digits than ISO 4217, the amount is the same money."""
    assert expected == only(thing("refund", status="succeeded", amount=minor, currency=code)).amount


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("{}", "$.object"),
        (thing("payout"), "$.object"),
        (thing("refund"), "$.status"),
        (thing("refund", status="succeeded", amount="1000"), "$.amount"),
        (thing("refund", status="succeeded", amount=10.5), "$.amount"),
        (thing("refund", status="succeeded", amount=-1), "$.amount"),
        (thing("refund", status="succeeded", currency="euro"), "$.currency"),
        (thing("refund", status="succeeded", currency="isk", amount=101), "$.amount"),
        (thing("refund", status="succeeded", created="now"), "$.created"),
        (thing("refund", status="succeeded", created=10**12), "$.created"),
        (thing("refund", status="succeeded", id=None), "$.id"),
        ('{"object": "event", "created": 1, "data": {}}', "$.data.object"),
    ],
)
def test_what_is_no_payment_is_refused_by_its_path(raw: str, path: str) -> None:
    """The error is typed and says where."""
    with pytest.raises(PayloadError) as caught:
        read_stripe(raw)
    assert path == caught.value.path


# --- for whom -------------------------------------------------------------------------------------


def event(owner: str, **changes: object) -> str:
    """An event that carries an object."""
    told: dict[str, object] = {
        "object": "event",
        "created": 1_780_000_000,
        "livemode": True,
        "data": {"object": json.loads(owner)},
    }
    return json.dumps({**told, **changes})


LIVE = Tenant(is_live=True)


def test_what_is_meant_for_this_shop_is_read() -> None:
    """ABUSE 68: the same facts with a tenant as without, for the right account and mode."""
    raw = event(charge(livemode=True))
    assert read_stripe(raw) == read_stripe(raw, tenant=LIVE)
    connected = event(charge(), account="acct_1")
    assert read_stripe(connected, tenant=Tenant(account="acct_1", is_live=True))
    assert read_stripe(event(charge(), livemode=False), tenant=Tenant(is_live=False))
    assert read_stripe(charge(livemode=True), tenant=LIVE)


@pytest.mark.parametrize(
    ("raw", "tenant"),
    [
        (event(charge(), livemode=False), LIVE),
        (event(charge()), Tenant(is_live=False)),
        (event(charge(), livemode=None), LIVE),
        (event(charge(livemode=False)), LIVE),
        (event(charge(), account="acct_2"), LIVE),
        (event(charge()), Tenant(account="acct_1", is_live=True)),
        (event(charge(), account="acct_2"), Tenant(account="acct_1", is_live=True)),
        (charge(), LIVE),
        (charge(livemode=False), LIVE),
    ],
)
def test_what_is_meant_for_others_is_refused(raw: str, tenant: Tenant) -> None:
    """ABUSE 68: another account, test mode in live, live in test, or no word about it."""
    with pytest.raises(TenantMismatchError):
        read_stripe(raw, tenant=tenant)


def test_a_tenant_is_one() -> None:
    """X-2: its mode is said, and its account is a name."""
    with pytest.raises(InvalidTenantError):
        Tenant(is_live=None)  # type: ignore[arg-type]  # hostile on purpose
    with pytest.raises(InvalidIdentifierError):
        Tenant(account="", is_live=True)
