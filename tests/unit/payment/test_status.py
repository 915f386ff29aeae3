from __future__ import annotations

import pytest

from ordercore.machine import NotAllowedError
from ordercore.money import EUR, Money
from ordercore.payment.events import (
    AuthorisationExpired,
    OperationDeclined,
    OperationFailed,
    OperationInDoubt,
    OperationNeverHappened,
    OperationParked,
    OperationPending,
    OperationSucceeded,
)
from ordercore.payment.model import OperationStatus
from ordercore.payment.status import OPERATION, PAYMENT, PaymentFacts, PaymentStatus

P, O = PaymentStatus, OperationStatus  # noqa: E741 - the letters of the tables below


def facts(letters: str, *, tolerance: int = 0, deferred: bool = False) -> PaymentFacts:
    """Facts such as ``T100 G100 A0 C40 F0 K0``; what is not named is zero."""
    figures = {part[0]: Money(int(part[1:]), EUR) for part in letters.split()}
    zero = Money.zero(EUR)
    return PaymentFacts(
        owed=figures.get("T", zero),
        total=figures.get("G", zero),
        authorised=figures.get("A", zero),
        captured=figures.get("C", zero),
        refunded=figures.get("F", zero),
        lost=figures.get("K", zero),
        is_deferred=deferred,
        tolerance=tolerance,
    )


@pytest.mark.parametrize(
    ("status", "letters"),
    [
        (P.OVER_REFUNDED, "T0 G100 C100 F100 K100"),
        (P.OVER_REFUNDED, "T50 G100 C100 F101"),
        (P.OVERPAID, "T50 G100 C100"),
        (P.OVERPAID, "T0 G100 C100 F99"),
        (P.NOT_REQUIRED, ""),
        (P.VOIDED, "T0 G100"),
        (P.VOIDED, "T0 G100 A100"),
        (P.CHARGED_BACK, "T0 G100 C100 K100"),
        (P.REFUNDED, "T0 G100 C100 F100"),
        (P.PARTIALLY_REFUNDED, "T60 G100 C100 F40"),
        (P.PAID, "T100 G100 C100"),
        (P.CHARGED_BACK, "T100 G100 C100 K100"),
        (P.CHARGED_BACK, "T100 G100 C100 K1"),
        (P.PARTIALLY_PAID, "T100 G100 C40 A60"),
        (P.AUTHORISED, "T100 G100 A100"),
        (P.AUTHORISED, "T60 G100 A100"),
        (P.PARTIALLY_AUTHORISED, "T100 G100 A99"),
        (P.UNPAID, "T100 G100"),
    ],
)
def test_the_status_of_money(status: PaymentStatus, letters: str) -> None:
    """RULES S, row by row: first match wins."""
    assert status is PAYMENT.of(facts(letters))


def test_a_deferred_tender_is_a_status() -> None:
    """RULES S: cash on delivery, shipped: deferred; an authorisation says more."""
    assert P.DEFERRED is PAYMENT.of(facts("T100 G100", deferred=True))
    assert P.AUTHORISED is PAYMENT.of(facts("T100 G100 A100", deferred=True))


def test_a_tolerance_makes_small_differences_equal() -> None:
    """PAY-7: within the tolerance of the terms, held money is what is owed."""
    assert P.PAID is PAYMENT.of(facts("T100 G100 C99", tolerance=1))
    assert P.PAID is PAYMENT.of(facts("T100 G100 C101", tolerance=1))
    assert P.PARTIALLY_PAID is PAYMENT.of(facts("T100 G100 C98", tolerance=1))
    assert P.OVERPAID is PAYMENT.of(facts("T100 G100 C102", tolerance=1))
    assert P.REFUNDED is PAYMENT.of(facts("T0 G100 C100 F99", tolerance=1))


@pytest.mark.parametrize(
    ("status", "trigger", "after"),
    [
        (O.INTENDED, OperationInDoubt, O.IN_DOUBT),
        (O.IN_DOUBT, OperationNeverHappened, O.NEVER_HAPPENED),
        (O.NEVER_HAPPENED, OperationSucceeded, O.SUCCEEDED),
        (O.NEVER_HAPPENED, OperationPending, O.PENDING),
        (O.DECLINED, OperationSucceeded, O.SUCCEEDED),
        (O.DECLINED, OperationParked, O.PARKED),
        (O.PARKED, OperationSucceeded, O.SUCCEEDED),
        (O.PARKED, OperationDeclined, O.DECLINED),
        (O.SUCCEEDED, OperationFailed, O.FAILED),
        (O.SUCCEEDED, AuthorisationExpired, O.EXPIRED),
    ],
)
def test_ways_of_an_operation(
    status: OperationStatus, trigger: type, after: OperationStatus
) -> None:
    """PAY-6: a late success is recorded, a failure outranks it."""
    assert after is OPERATION.next(status, trigger, facts=True)


@pytest.mark.parametrize(
    ("status", "trigger"),
    [
        (O.SUCCEEDED, OperationDeclined),
        (O.SUCCEEDED, OperationNeverHappened),
        (O.SUCCEEDED, OperationInDoubt),
        (O.FAILED, OperationSucceeded),
        (O.EXPIRED, OperationSucceeded),
        (O.PARKED, OperationInDoubt),
    ],
)
def test_ways_that_an_operation_never_takes(status: OperationStatus, trigger: type) -> None:
    """PAY-3: no fact moves an operation back, whenever it comes."""
    with pytest.raises(NotAllowedError):
        OPERATION.next(status, trigger, facts=True)


def test_a_contradiction_is_left_to_a_person() -> None:
    """PAY-6: after a reply that contradicted the intent, a decline does not release the order."""
    with pytest.raises(NotAllowedError):
        OPERATION.next(O.PARKED, OperationDeclined, facts=False)
