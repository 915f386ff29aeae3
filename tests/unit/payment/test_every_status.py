"""Every report and every request in every status of an operation: absorbed, or refused by type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import reduce

import pytest

from ordercore.errors import InvalidValueError, NotFoundError, OrderCoreError, RefusedError
from ordercore.facts import Event
from ordercore.ids import Key, Reference, TenderId
from ordercore.money import USD, Money
from ordercore.payment.answers import (
    ActionRequired,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.commands import (
    AddTender,
    CaptureNow,
    Outcome,
    PaymentReport,
    PaymentRequest,
    RecordPayment,
    RecordRefund,
    ReportAnswer,
    ReportAuthorisationExpired,
    ReportCollected,
    ReportDispute,
    ReportFailure,
    ReportOperation,
    ResolveOperation,
    RetryPayment,
    VoidAuthorisation,
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
)
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.model import DisputeStatus, Operation, OperationStatus, Tender
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import CARD, START, Shop, euro

NAME = Reference("gw-1")
LATER = START + timedelta(minutes=5)
EXPECTED_FAMILIES = (RefusedError, NotFoundError, InvalidValueError)


def key_of(shop: Shop) -> Key:
    return next(iter(shop.state.operations))


def into(status: OperationStatus) -> Shop:
    """A shop with one authorisation of 100 euros in this status."""
    shop = Shop(state=PaymentState(tenders=(Tender(id=CARD),)))
    shop.intend()
    shop.record(ways(key_of(shop))[status])
    assert status is shop.state.operations[key_of(shop)].status
    return shop


def ways(key: Key) -> Mapping[OperationStatus, tuple[Event, ...]]:
    """How an operation gets into each status."""
    done = OperationSucceeded(key=key, reference=NAME, amount=euro(10_000), at=START)
    declined = OperationDeclined(key=key, kind=DeclineKind.HARD, at=START)
    return {
        OperationStatus.INTENDED: (),
        OperationStatus.PENDING: (
            OperationPending(key=key, reference=NAME, ask_at=LATER, at=START),
        ),
        OperationStatus.ACTION_REQUIRED: (
            OperationActionRequired(key=key, reference=NAME, ask_at=LATER, at=START),
        ),
        OperationStatus.IN_DOUBT: (OperationInDoubt(key=key, ask_at=LATER, at=START),),
        OperationStatus.PARKED: (OperationParked(key=key, at=START),),
        OperationStatus.SUCCEEDED: (done,),
        OperationStatus.DECLINED: (declined,),
        OperationStatus.NEVER_HAPPENED: (OperationNeverHappened(key=key, at=START),),
        OperationStatus.FAILED: (done, OperationFailed(key=key, at=START)),
        OperationStatus.EXPIRED: (done, AuthorisationExpired(key=key, at=START)),
    }


ANSWERS: Mapping[str, LookUpAnswer] = {
    "succeeded": Succeeded(reference=NAME, amount=euro(10_000)),
    "another amount": Succeeded(reference=NAME, amount=euro(1)),
    "another currency": Succeeded(reference=NAME, amount=Money(10_000, USD)),
    "another name": Succeeded(reference=Reference("gw-2"), amount=euro(10_000)),
    "in part": PartiallyApproved(reference=NAME, amount=euro(4_000)),
    "pending": Pending(reference=NAME),
    "action": ActionRequired(reference=NAME),
    "hard": Declined(kind=DeclineKind.HARD),
    "soft": Declined(kind=DeclineKind.SOFT),
    "fraud": Declined(kind=DeclineKind.FRAUD),
    "configuration": Declined(kind=DeclineKind.CONFIGURATION),
    "unknown": Unknown(),
    "not found": NotFound(),
}


def reports(key: Key) -> Mapping[str, PaymentReport]:
    """One report of each kind about the operation, and about things unheard of."""
    found: dict[str, PaymentReport] = {
        f"answer: {name}": ReportAnswer(key=key, answer=what, at=LATER)
        for name, what in ANSWERS.items()
    }
    found["answer to an unknown key"] = ReportAnswer(key=Key("x"), answer=Unknown(), at=LATER)
    for operation in Operation:
        found[f"{operation} by key"] = ReportOperation(
            operation=operation, reference=NAME, amount=euro(10_000), key=key, at=LATER
        )
        found[f"{operation} by name"] = ReportOperation(
            operation=operation, reference=NAME, amount=euro(10_000), at=LATER
        )
        found[f"{operation} failed"] = ReportFailure(operation=operation, reference=NAME, at=LATER)
    found["expired"] = ReportAuthorisationExpired(reference=NAME, at=LATER)
    for tender in (CARD, TenderId("nobody")):
        found[f"collected for {tender}"] = ReportCollected(
            tender=tender, amount=euro(100), reference=Reference("cash"), at=LATER
        )
    for status in DisputeStatus:
        found[f"dispute {status}"] = ReportDispute(
            reference=Reference("d"), capture=NAME, amount=euro(100), status=status, at=LATER
        )
    return found


def requests(key: Key) -> Mapping[str, PaymentRequest]:
    """One request of each kind."""
    cash = Reference("cash-1")
    return {
        "add": AddTender(tender=Tender(id=TenderId("new"))),
        "add again": AddTender(tender=Tender(id=CARD)),
        "retry": RetryPayment(tender=CARD),
        "retry with another": RetryPayment(tender=CARD, instrument="tok-2"),
        "capture": CaptureNow(),
        "capture a part": CaptureNow(amount=euro(1)),
        "capture too much": CaptureNow(amount=euro(10_001)),
        "void": VoidAuthorisation(tender=CARD),
        "record": RecordPayment(tender=CARD, amount=euro(100), reference=cash),
        "record a refund": RecordRefund(tender=CARD, amount=euro(100), reference=cash),
        "it happened": ResolveOperation(key=key, outcome=Outcome.SUCCEEDED),
        "it never happened": ResolveOperation(key=key, outcome=Outcome.NEVER_HAPPENED),
        "resolve nothing": ResolveOperation(key=Key("x"), outcome=Outcome.SUCCEEDED),
    }


def refusal(shop: Shop, request: PaymentRequest) -> OrderCoreError | None:
    """Why a request is refused, or nothing."""
    try:
        shop.tell(request)
    except OrderCoreError as error:
        return error
    return None


REPORTS = tuple(reports(Key("k")))
REQUESTS = tuple(requests(Key("k")))


def absorbed(shop: Shop, name: str) -> tuple[Event, ...]:
    return shop.tell(reports(key_of(shop))[name])


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("status", OperationStatus)
def test_every_report_is_absorbed_in_every_status(status: OperationStatus, name: str) -> None:
    """PAY-6: a report is never refused, and its facts can be folded into any state."""
    shop = into(status)
    events = absorbed(shop, name)
    again = reduce(evolve_payment, events, shop.state)
    assert set(shop.state.operations) == set(again.operations)


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("status", OperationStatus)
def test_a_report_that_comes_again_moves_nothing(status: OperationStatus, name: str) -> None:
    """PAY-3: the same report a second time leaves every operation's money as it was."""
    shop = into(status)
    absorbed(shop, name)
    before = {key: (found.moved, found.status) for key, found in shop.state.operations.items()}
    disputes, recorded = shop.state.disputes, shop.state.recorded
    waiting = len(shop.state.waiting)
    absorbed(shop, name)
    after = {key: (found.moved, found.status) for key, found in shop.state.operations.items()}
    assert before == after
    assert (disputes, recorded, waiting) == (
        shop.state.disputes,
        shop.state.recorded,
        len(shop.state.waiting),
    )


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("status", [OperationStatus.FAILED, OperationStatus.EXPIRED])
def test_what_the_outside_took_back_stays_so(status: OperationStatus, name: str) -> None:
    """PAY-6: after a failure or an expiry no report brings the money back."""
    shop = into(status)
    absorbed(shop, name)
    found = shop.state.operations[key_of(shop)]
    assert found.status in {OperationStatus.FAILED, OperationStatus.EXPIRED}
    assert euro(0) == found.moved


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("status", OperationStatus)
def test_every_request_is_decided_in_every_status(status: OperationStatus, name: str) -> None:
    """PAY-3: done with facts, or refused by a typed error that changes nothing and says why."""
    shop = into(status)
    before, facts = shop.state, len(shop.history)
    error = refusal(shop, requests(key_of(shop))[name])
    if error is None:
        assert len(shop.history) > facts
    else:
        assert isinstance(error, EXPECTED_FAMILIES)
        assert str(error).endswith(".")
        assert before == shop.state


ALWAYS_REFUSED = ("add again", "capture too much", "record a refund", "resolve nothing")
ALWAYS_DONE = ("add", "retry with another", "record")


@pytest.mark.parametrize("name", ALWAYS_REFUSED)
@pytest.mark.parametrize("status", OperationStatus)
def test_what_is_refused_in_every_status(status: OperationStatus, name: str) -> None:
    """ABUSE 37 and 42: whatever became of the authorisation, this is too much or unknown."""
    shop = into(status)
    with pytest.raises(EXPECTED_FAMILIES):
        shop.tell(requests(key_of(shop))[name])


@pytest.mark.parametrize("status", OperationStatus)
def test_only_open_operations_are_resolved_by_hand(status: OperationStatus) -> None:
    """PAY-2: a person speaks about what is open and not sent any more; the rest is refused."""
    shop = into(status)
    with pytest.raises(RefusedError):
        shop.tell(requests(key_of(shop))["it never happened"])
    shop.wait(20)
    is_open = shop.state.operations[key_of(shop)].is_open
    command = requests(key_of(shop))["it never happened"]
    if is_open:
        shop.tell(command)
        assert OperationStatus.NEVER_HAPPENED is shop.state.operations[key_of(shop)].status
    else:
        with pytest.raises(RefusedError):
            shop.tell(command)
