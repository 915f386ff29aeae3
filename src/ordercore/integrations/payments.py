"""
Payments: what Stripe says happened to money, as facts and as the core's own reports.

Only amounts, states and references are read. Card details, names and client secrets stand in the
same objects and have no place to go here (RULES PAY-8). Amounts are in Stripe's own minor units,
which differ from ISO 4217 for a few currencies.

Cumulative amounts stay cumulative: the core merges a fact by its reference and takes the maximum,
so the same object twice, or an older one late, changes nothing (how it works, *Money effects*).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Final

from attrs import evolve, frozen

from ordercore.codec.strict_json import Reader, loads
from ordercore.ids import Key, Reference, TenderId
from ordercore.integrations.imports import made_at
from ordercore.integrations.tenants import Tenant
from ordercore.money import Currency as _Currency
from ordercore.money import MinorUnits, Money, UnknownCurrencyError, from_gateway_minor
from ordercore.payment.commands import (
    PaymentReport,
    ReportDispute,
    ReportFailure,
    ReportOperation,
)
from ordercore.payment.model import DisputeStatus, Operation

__all__ = ["KEY_FIELD", "STRIPE_DIGITS", "FactKind", "PaymentFact", "read_stripe", "report_of"]

STRIPE_DIGITS: Final[MinorUnits] = {"ISK": 2, "MGA": 0, "UGX": 2}
"""Where Stripe counts other digits than ISO 4217."""
KEY_FIELD: Final = "ordercore_key"
"""The metadata field in which a gateway adapter sends the key of the operation along."""
LATEST: Final = 253_402_300_799


@unique
class FactKind(StrEnum):
    """What is known to have happened."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DECLINED = "declined"
    PENDING = "pending"
    """Nothing yet: the customer or a bank must do something first."""
    INQUIRY = "inquiry"
    """A bank asks; no money has moved."""
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    UNKNOWN = "unknown"
    """A word that is not known here: look the operation up."""


REFUNDS: Final = {
    "succeeded": FactKind.REFUNDED,
    "pending": FactKind.PENDING,
    "requires_action": FactKind.PENDING,
    "failed": FactKind.REFUND_FAILED,
    "canceled": FactKind.REFUND_FAILED,
}
INTENTS: Final = {
    "requires_payment_method": FactKind.PENDING,
    "requires_confirmation": FactKind.PENDING,
    "requires_action": FactKind.PENDING,
    "processing": FactKind.PENDING,
    "requires_capture": FactKind.AUTHORISED,
    "succeeded": FactKind.CAPTURED,
    "canceled": FactKind.VOIDED,
}
DISPUTES: Final = {
    "warning_needs_response": FactKind.INQUIRY,
    "warning_under_review": FactKind.INQUIRY,
    "warning_closed": FactKind.INQUIRY,
    "needs_response": FactKind.DISPUTE_OPENED,
    "under_review": FactKind.DISPUTE_OPENED,
    "won": FactKind.DISPUTE_WON,
    "lost": FactKind.DISPUTE_LOST,
}


@frozen(kw_only=True)
class PaymentFact:
    """One thing that is known about money; *raw* is Stripe's own word."""

    kind: FactKind
    reference: Reference
    """
    Stripe's id of the operation: the refund, the dispute, the intent; a charge's money is that of
    its intent, so that both tell the same fact.
    """
    payment: str
    """The payment that it belongs to: the intent where there is one, else the charge."""
    amount: Money
    """Cumulative for this reference."""
    raw: str
    at: datetime
    key: Key | None = None
    is_test: bool = False


def read_stripe(raw: bytes | str, *, tenant: Tenant | None = None) -> tuple[PaymentFact, ...]:
    """
    The facts in a charge, payment intent, refund or dispute, or in the event that carries one.

    A charge may tell several: what was authorised, what was captured, and its refunds. With a
    *tenant* only what is meant for it is read: the account that an event of a connected account
    names, and live or test mode.

    Raises:
        PayloadError: Another object, or a field of a wrong type, with its path.
        TenantMismatchError: It is meant for another account, or of the other mode.

    Source:
        RULES PAY-2, PAY-6, X-1; Stripe API, Charge, PaymentIntent, Refund, Dispute, Event.
    """
    document = Reader.of(loads(raw))
    if tenant is not None:
        _check(document, tenant)
    if document.optional_text("object") != "event":
        return tuple(_facts(document))
    at = _moment(document, "created")
    carried = document.reader("data").reader("object")
    if tenant is not None and carried.optional_boolean("livemode") is not None:
        _check(carried, evolve(tenant, account=None))
    return tuple(evolve(fact, at=at) for fact in _facts(carried))


def _check(owner: Reader, tenant: Tenant) -> None:
    """An event says its mode and its account; what it carries must not say another mode."""
    account = owner.optional_text("account", longest=100)
    tenant.check(account, is_live=owner.optional_boolean("livemode"))


def report_of(fact: PaymentFact, tender: TenderId) -> PaymentReport | None:
    """
    The report that an order takes of this fact; ``None`` where nothing has happened to money.

    Args:
        fact: What is known.
        tender: The order's tender that was paid by *fact.payment*; a dispute names it.
    """
    if fact.kind in OPERATIONS and fact.amount.is_positive:
        return ReportOperation(
            at=fact.at,
            operation=OPERATIONS[fact.kind],
            reference=fact.reference,
            amount=fact.amount,
            key=fact.key,
        )
    if fact.kind is FactKind.REFUND_FAILED:
        return ReportFailure(
            at=fact.at, operation=Operation.REFUND, reference=fact.reference, reason=fact.raw
        )
    if fact.kind in DISPUTE_STATUSES and fact.amount.is_positive:
        return ReportDispute(
            at=fact.at,
            reference=fact.reference,
            tender=tender,
            amount=fact.amount,
            status=DISPUTE_STATUSES[fact.kind],
        )
    return None


OPERATIONS: Final = {
    FactKind.AUTHORISED: Operation.AUTHORISE,
    FactKind.CAPTURED: Operation.CAPTURE,
    FactKind.VOIDED: Operation.VOID,
    FactKind.REFUNDED: Operation.REFUND,
}
DISPUTE_STATUSES: Final = {
    FactKind.DISPUTE_OPENED: DisputeStatus.OPENED,
    FactKind.DISPUTE_WON: DisputeStatus.WON,
    FactKind.DISPUTE_LOST: DisputeStatus.LOST,
}


# --- the four objects ---------------------------------------------------------------------------


def _facts(owner: Reader) -> Iterator[PaymentFact]:
    kind = owner.text("object", longest=100)
    read = OBJECTS.get(kind)
    if read is None:
        raise owner.error("object", "it must be a charge, payment_intent, refund or dispute")
    return read(owner)


def _charge(owner: Reader) -> Iterator[PaymentFact]:
    raw = owner.text("status", longest=100)
    whole, captured = _money(owner, "amount"), _money(owner, "amount_captured")
    if raw == "pending":
        yield _fact(owner, FactKind.PENDING, whole, raw)
    elif raw == "failed":
        reason = owner.optional_text("failure_code", longest=100) or raw
        yield _fact(owner, FactKind.DECLINED, whole, reason)
    elif raw != "succeeded":
        yield _fact(owner, FactKind.UNKNOWN, whole, raw)
    elif captured.is_positive:
        yield _fact(owner, FactKind.CAPTURED, captured, raw)
    elif owner.optional_boolean("refunded"):
        yield _fact(owner, FactKind.VOIDED, whole, raw)
    else:
        yield _fact(owner, FactKind.AUTHORISED, whole, raw)
    refunds = owner.optional_reader("refunds")
    if refunds is not None and captured.is_positive:
        for refund in refunds.optional_items("data"):
            yield from _refund(refund)


def _intent(owner: Reader) -> Iterator[PaymentFact]:
    raw = owner.text("status", longest=100)
    kind = INTENTS.get(raw, FactKind.UNKNOWN)
    error = owner.optional_reader("last_payment_error")
    if raw == "requires_payment_method" and error is not None:
        words = (error.optional_text(name, longest=100) for name in ("decline_code", "code"))
        reason = next((word for word in words if word), None)
        if reason is not None:
            kind, raw = FactKind.DECLINED, reason
    amounts = {FactKind.AUTHORISED: "amount_capturable", FactKind.CAPTURED: "amount_received"}
    yield _fact(owner, kind, _money(owner, amounts.get(kind, "amount")), raw)


def _refund(owner: Reader) -> Iterator[PaymentFact]:
    raw = owner.text("status", longest=100)
    yield _fact(owner, REFUNDS.get(raw, FactKind.UNKNOWN), _money(owner, "amount"), raw)


def _dispute(owner: Reader) -> Iterator[PaymentFact]:
    raw = owner.text("status", longest=100)
    yield _fact(owner, DISPUTES.get(raw, FactKind.UNKNOWN), _money(owner, "amount"), raw)


OBJECTS: Final[Mapping[str, Callable[[Reader], Iterator[PaymentFact]]]] = {
    "charge": _charge,
    "payment_intent": _intent,
    "refund": _refund,
    "dispute": _dispute,
}


def _fact(owner: Reader, kind: FactKind, amount: Money, raw: str) -> PaymentFact:
    reference = owner.identifier("id")
    metadata = owner.optional_reader("metadata")
    key = None if metadata is None else metadata.optional_text(KEY_FIELD, longest=200)
    payment = owner.optional_text("payment_intent") or owner.optional_text("charge") or reference
    is_charge = owner.raw("object") == "charge"
    return PaymentFact(
        kind=kind,
        reference=Reference(payment if is_charge else reference),
        payment=payment,
        amount=amount,
        raw=raw,
        at=_moment(owner, "created"),
        key=Key(key) if key else None,
        is_test=owner.optional_boolean("livemode") is False,
    )


def _money(owner: Reader, name: str) -> Money:
    """An amount in Stripe's minor units; the currency is written in small letters."""
    code = owner.text("currency", longest=10)
    try:
        currency = _Currency.of(code.upper())
    except UnknownCurrencyError as error:
        raise owner.error("currency", "it is no currency code") from error
    minor = owner.integer(name, most=10**15)
    return made_at(owner.at(name), lambda: from_gateway_minor(minor, currency, STRIPE_DIGITS))


def _moment(owner: Reader, name: str) -> datetime:
    return datetime.fromtimestamp(owner.integer(name, most=LATEST), UTC)
