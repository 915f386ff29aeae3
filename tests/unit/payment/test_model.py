from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from ordercore.errors import InvalidValueError
from ordercore.ids import InvalidIdentifierError, Key, Reference, TenderId
from ordercore.moment import NaiveDatetimeError
from ordercore.money import EUR, Money
from ordercore.payment.answers import PartiallyApproved, Pending, Succeeded
from ordercore.payment.model import (
    DueWhen,
    Intent,
    InvalidPaymentError,
    Operation,
    OperationState,
    OperationStatus,
    Tender,
    TenderKind,
)
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from tests.laws.payment_world import START, euro


def made(kind: Callable[..., object], /, **fields: object) -> object:
    """What a caller without a type checker would do."""
    return kind(**fields)


def intent(**changes: object) -> object:
    given: dict[str, object] = {
        "key": Key("k"),
        "operation": Operation.AUTHORISE,
        "tender": TenderId("card"),
        "amount": euro(100),
        "at": START,
        "not_after": START + timedelta(minutes=15),
    }
    return made(Intent, **{**given, **changes})


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": euro(0)},
        {"amount": euro(-1)},
        {"amount": 100},
        {"amount": 1.5},
        {"kind": "card"},
        {"due": "dispatch"},
        {"due": DueWhen.DATE},
        {"due_on": date(2026, 4, 1)},
        {"instrument": 4},
        {"instrument": "tok\x00"},
        {"instrument": "x" * 501},
        {"id": ""},
    ],
)
def test_a_tender_is_checked(fields: dict[str, object]) -> None:
    """Amounts that are none, unknown kinds, dates without a day and odd tokens are refused."""
    with pytest.raises(InvalidValueError):
        made(Tender, **{"id": TenderId("card"), **fields})


@pytest.mark.parametrize(
    ("kind", "due", "deferred"),
    [
        (TenderKind.CARD, DueWhen.PLACEMENT, False),
        (TenderKind.CARD, DueWhen.DISPATCH, False),
        (TenderKind.GIFT_CARD, DueWhen.DELIVERY, False),
        (TenderKind.BANK_TRANSFER, DueWhen.PLACEMENT, False),
        (TenderKind.BANK_TRANSFER, DueWhen.INVOICE, True),
        (TenderKind.ON_ACCOUNT, DueWhen.PLACEMENT, True),
        (TenderKind.CASH_ON_DELIVERY, DueWhen.PLACEMENT, True),
        (TenderKind.CASH, DueWhen.DELIVERY, True),
    ],
)
def test_who_is_trusted_to_pay_later(kind: TenderKind, due: DueWhen, deferred: bool) -> None:
    """PAY-7: a card never is, its authorisation covers; others are by kind or by due date."""
    assert deferred == Tender(id=TenderId("t"), kind=kind, due=due).is_deferred


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"amount": euro(0)}, InvalidPaymentError),
        ({"operation": "authorise"}, InvalidPaymentError),
        ({"operation": Operation.CAPTURE}, InvalidPaymentError),
        ({"target": Key("other")}, InvalidPaymentError),
        ({"not_after": START - timedelta(seconds=1)}, InvalidPaymentError),
        ({"at": datetime(2026, 3, 1)}, NaiveDatetimeError),  # noqa: DTZ001 - that is the point
        ({"key": Key("")}, InvalidIdentifierError),
    ],
)
def test_an_intent_is_checked(fields: dict[str, object], error: type[Exception]) -> None:
    """It moves something, is aimed at something unless it authorises, and has a window."""
    with pytest.raises(error):
        intent(**fields)


@pytest.mark.parametrize("amount", [euro(0), euro(-1), 1, 1.0, True])
@pytest.mark.parametrize("answer", [Succeeded, PartiallyApproved])
def test_an_answer_states_an_amount(answer: type[Succeeded], amount: object) -> None:
    """Zero, negative amounts and bare numbers are no answers."""
    with pytest.raises(InvalidPaymentError):
        made(answer, reference=Reference("r"), amount=amount)


@pytest.mark.parametrize("reference", ["", " r", "a\u202eb", 5, "x" * 501])
def test_an_answer_names_what_happened(reference: object) -> None:
    """References are text that people can read and compare."""
    with pytest.raises(InvalidValueError):
        made(Pending, reference=reference)


def test_what_is_open_is_in_flight() -> None:
    """What was told of an open operation has moved; the rest is in flight; a failure moves none."""
    wanted = Intent(
        key=Key("k"),
        operation=Operation.AUTHORISE,
        tender=TenderId("card"),
        amount=euro(100),
        at=START,
        not_after=START,
    )
    found = OperationState(intent=wanted)
    assert (euro(0), euro(100)) == (found.moved, found.in_flight)
    part = OperationState(intent=wanted, status=OperationStatus.PENDING, settled=euro(40))
    assert (euro(40), euro(60)) == (part.moved, part.in_flight)
    done = OperationState(intent=wanted, status=OperationStatus.SUCCEEDED, settled=euro(40))
    assert (euro(40), euro(0)) == (done.moved, done.in_flight)
    failed = OperationState(intent=wanted, status=OperationStatus.FAILED, settled=euro(40))
    assert (euro(0), euro(0)) == (failed.moved, failed.in_flight)


@pytest.mark.parametrize(
    "fields",
    [
        {"send_window": timedelta(seconds=-1)},
        {"clock_skew": 5},
        {"schedule": ()},
        {"schedule": (timedelta(0),)},
        {"soft_retries": -1},
        {"soft_retries": 101},
        {"capture": "dispatch"},
        {"renew_before": timedelta(days=-1)},
    ],
)
def test_a_policy_is_checked(fields: dict[str, object]) -> None:
    """Patience is never negative, and it has a schedule."""
    with pytest.raises(InvalidValueError):
        made(PaymentPolicy, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"currencies": ("eur",)},
        {"exponents": {"XXX": 2}},
        {"exponents": {"EUR": -1}},
        {"over_capture": 0.15},
        {"key_lifetime": 24},
    ],
)
def test_capabilities_are_checked(fields: dict[str, object]) -> None:
    """Currencies are known, lengths of time are none else, and no float decides about money."""
    with pytest.raises(InvalidValueError):
        made(Capabilities, **fields)


def test_the_horizon_fits_into_the_memory_of_the_gateway() -> None:
    """PAY-2: a gateway must remember keys for longer than "not found" may mean "not yet"."""
    policy = PaymentPolicy()
    assert timedelta(minutes=46) == policy.horizon
    policy.check(Capabilities())
    with pytest.raises(InvalidPaymentError):
        policy.check(Capabilities(key_lifetime=policy.horizon + timedelta(seconds=30)))


def test_what_a_gateway_takes() -> None:
    """No list of currencies means all of them."""
    assert Capabilities().takes(EUR)
    assert not Capabilities(currencies=("USD",)).takes(EUR)
    assert CaptureWhen.DISPATCH is PaymentPolicy().capture
    assert Money(1, EUR) == euro(1)


@pytest.mark.parametrize("amount", [500, 5.0, "5.00"])
def test_an_amount_that_is_no_money_is_told_so(amount: object) -> None:
    """A number without a currency is not too small: the error says what to write instead."""
    with pytest.raises(InvalidPaymentError, match=r"must be Money, as in Money\(1099, EUR\), not"):
        made(Tender, id=TenderId("card"), amount=amount)


def test_the_name_of_a_gateway_has_no_blanks_around_it() -> None:
    """A blank after "store-value" would send the call to a gateway that knows of no account."""
    blank = Tender(
        id=TenderId("g"), kind=TenderKind.GIFT_CARD, gateway=" store-value ", instrument="gift-1"
    )
    assert ("store-value", "credit:gift-1") == (blank.gateway, blank.account)
