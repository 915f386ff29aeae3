from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.errors import ConflictError, NotFoundError, OrderCoreError, RefusedError
from ordercore.ids import Key, Reference, TenderId
from ordercore.money import EUR, USD, CurrencyMismatchError, LimitExceededError, Money
from ordercore.payment.answers import ActionRequired, Declined, DeclineKind, Succeeded, Unknown
from ordercore.payment.balance import totals
from ordercore.payment.commands import (
    AddTender,
    CaptureNow,
    Outcome,
    PaymentRequest,
    RecordPayment,
    RecordRefund,
    ReportAnswer,
    ResolveOperation,
    RetryPayment,
    VoidAuthorisation,
)
from ordercore.payment.decide import (
    AlreadyCapturedError,
    AnotherInstrumentNeededError,
    AuthorisationClosedError,
    CaptureBlockedError,
    CaptureExceedsAuthorisationError,
    DuplicateTenderError,
    NothingToVoidError,
    OperationSettledError,
    ReferenceReusedError,
    RefundExceedsCapturedError,
    StillSendingError,
    UnknownOperationError,
    UnknownTenderError,
    WholeCaptureOnlyError,
    decide_payment,
)
from ordercore.payment.events import OperationIntended
from ordercore.payment.model import (
    InvalidPaymentError,
    Operation,
    OperationStatus,
    Tender,
    TenderKind,
)
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import CARD, Fate, Shop, Wishes, euro

CASH = TenderId("cash")
MANUAL = PaymentPolicy(capture=CaptureWhen.MANUAL)


def by_hand(*, claimable: int = 10_001) -> Shop:
    """100 euros on one card, authorised and captured by hand."""
    tenders = (Tender(id=CARD), Tender(id=CASH, kind=TenderKind.CASH, amount=euro(1)))
    shop = Shop(
        policy=MANUAL,
        state=PaymentState(tenders=tenders),
        wishes=Wishes(owed=10_001, claimable=claimable),
    )
    shop.work()
    return shop


def test_a_capture_by_hand_takes_all_or_a_part() -> None:
    """PAY-4: as much as was asked, and then all that is left."""
    shop = by_hand()
    shop.tell(CaptureNow(amount=euro(2_500)))
    shop.work()
    assert euro(2_500) == totals(shop.state, EUR).captured
    shop.tell(CaptureNow())
    shop.work()
    assert euro(10_000) == totals(shop.state, EUR).captured


@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_is_captured_by_amounts_that_are_none(minor: int) -> None:
    """ABUSE 39: zero and negative amounts are refused before any decision."""
    with pytest.raises(InvalidPaymentError):
        CaptureNow(amount=euro(minor))
    with pytest.raises(InvalidPaymentError):
        RecordRefund(tender=CARD, amount=euro(minor), reference=Reference("r"))


def test_more_than_authorised_is_not_captured() -> None:
    """ABUSE 37: the refusal says how much is possible."""
    with pytest.raises(CaptureExceedsAuthorisationError) as caught:
        by_hand().tell(CaptureNow(amount=euro(10_001)))
    assert euro(10_000) == caught.value.possible


def test_a_part_is_not_captured_where_only_the_whole_can_be() -> None:
    """PAY-2: a gateway without partial capture is asked for all of an authorisation, or nothing."""
    shop = by_hand()
    shop.capabilities = Capabilities(partial_capture=False)
    with pytest.raises(WholeCaptureOnlyError) as caught:
        shop.tell(CaptureNow(amount=euro(9_999)))
    assert (euro(9_999), euro(10_000)) == (caught.value.asked, caught.value.whole)
    assert shop.tell(CaptureNow(amount=euro(10_000)))


def test_over_capture_stays_within_what_is_declared_and_owed() -> None:
    """ABUSE 37 and PAY-3: never more than the declared part, never more than is owed."""
    shop = by_hand()
    shop.capabilities = Capabilities(over_capture=Fraction(15, 100))
    shop.wishes = Wishes(owed=11_000, claimable=11_000)
    shop.state = evolve(shop.state, tenders=(Tender(id=CARD, amount=euro(11_000)),))
    before = shop.state
    for asked, ok in ((11_001, False), (11_000, True)):
        if ok:
            (event,) = shop.tell(CaptureNow(amount=euro(asked)))
            assert isinstance(event, OperationIntended)
            assert euro(asked) == event.intent.amount
        else:
            with pytest.raises(CaptureExceedsAuthorisationError):
                shop.tell(CaptureNow(amount=euro(asked)))
            assert before == shop.state


def test_several_authorisations_are_captured_under_different_keys() -> None:
    """ABUSE 32: one request, two captures on one tender, two keys."""
    shop = by_hand(claimable=0)
    shop.wishes = Wishes(owed=15_001, claimable=15_000)
    shop.work()
    events = shop.tell(CaptureNow())
    keys = {event.intent.key for event in events if isinstance(event, OperationIntended)}
    assert 2 == len(events) == len(keys)


def test_a_second_capture_is_said_to_be_one() -> None:
    """ABUSE 38: captured, or on its way: there is nothing more to take."""
    shop = by_hand()
    shop.tell(CaptureNow())
    with pytest.raises(AlreadyCapturedError):
        shop.tell(CaptureNow())
    shop.work()
    with pytest.raises(AlreadyCapturedError):
        shop.tell(CaptureNow())


def test_nothing_is_captured_after_a_void() -> None:
    """ABUSE 38: the authorisation is closed."""
    shop = by_hand()
    shop.tell(VoidAuthorisation(tender=CARD))
    with pytest.raises(AuthorisationClosedError):
        shop.tell(CaptureNow())
    with pytest.raises(NothingToVoidError):
        shop.tell(VoidAuthorisation(tender=CARD))


def test_nothing_is_captured_after_expiry() -> None:
    """ABUSE 38: seven days later the authorisation gives nothing, whoever asks."""
    shop = by_hand()
    shop.wait(60 * 24 * 7)
    with pytest.raises(AuthorisationClosedError):
        shop.tell(CaptureNow())


def test_what_is_not_due_is_not_said_to_be_gone() -> None:
    """PAY-4: authorised, but nothing is dispatched; or nothing is owed; or nothing authorised."""
    shop = by_hand()
    shop.wishes = Wishes(owed=10_000, claimable=0)
    with pytest.raises(CaptureBlockedError, match="captured now: the terms capture at dispatch"):
        shop.tell(CaptureNow())
    shop.wishes = Wishes(owed=0, claimable=0)
    with pytest.raises(CaptureBlockedError, match="captured now: nothing is owed"):
        shop.tell(CaptureNow())
    bare = Shop(state=PaymentState(tenders=(Tender(id=CARD),)))
    for claimable in (0, 10_000):
        bare.wishes = Wishes(owed=10_000, claimable=claimable)
        with pytest.raises(AuthorisationClosedError, match="none was made"):
            bare.tell(CaptureNow())


def test_a_hold_stops_captures_by_hand_too() -> None:
    """O-3: an order that is not confirmed, or on hold, is not charged."""
    shop = by_hand()
    with pytest.raises(CaptureBlockedError):
        decide_payment(
            shop.state,
            CaptureNow(),
            shop.now,
            basis=evolve(shop.basis, may_capture=False),
            policy=shop.policy,
            capabilities=shop.capabilities,
        )


@pytest.mark.parametrize(
    "request_",
    [
        CaptureNow(amount=Money(1, USD)),
        RecordPayment(tender=CARD, amount=Money(1, USD), reference=Reference("r")),
        RecordRefund(tender=CARD, amount=Money(1, USD), reference=Reference("r")),
        AddTender(tender=Tender(id=TenderId("x"), amount=Money(1, USD))),
    ],
)
def test_other_currencies_are_refused(request_: PaymentRequest) -> None:
    """ABUSE 45: currencies never mix."""
    with pytest.raises(CurrencyMismatchError):
        by_hand().tell(request_)


@pytest.mark.parametrize(
    "request_",
    [
        RetryPayment(tender=TenderId("x")),
        VoidAuthorisation(tender=TenderId("x")),
        RecordPayment(tender=TenderId("x"), amount=euro(1), reference=Reference("r")),
        RecordRefund(tender=TenderId("x"), amount=euro(1), reference=Reference("r")),
    ],
)
def test_unknown_tenders_are_refused(request_: PaymentRequest) -> None:
    """The request names a tender that the order does not have."""
    with pytest.raises(UnknownTenderError):
        by_hand().tell(request_)


def test_tenders_are_added_once_and_not_without_end() -> None:
    """An id is used once; an order has fifty tenders at most."""
    shop = by_hand()
    with pytest.raises(DuplicateTenderError):
        shop.tell(AddTender(tender=Tender(id=CARD)))
    for index in range(48):
        shop.tell(AddTender(tender=Tender(id=TenderId(f"t{index}"), amount=euro(1))))
    with pytest.raises(LimitExceededError):
        shop.tell(AddTender(tender=Tender(id=TenderId("one more"))))


@pytest.mark.parametrize("kind", [DeclineKind.HARD, DeclineKind.FRAUD])
def test_what_was_declined_for_good_needs_another_instrument(kind: DeclineKind) -> None:
    """PAY-5: the same card is not tried again, another one is."""
    shop = by_hand(claimable=0)
    shop.wishes = Wishes(owed=12_001)
    (intent,) = shop.intend()
    shop.tell(ReportAnswer(key=intent.key, answer=Declined(kind=kind), at=shop.now))
    with pytest.raises(AnotherInstrumentNeededError):
        shop.tell(RetryPayment(tender=CARD))
    shop.tell(RetryPayment(tender=CARD, instrument="tok_2"))
    (again,) = shop.intend()
    assert (intent.amount, 3) == (again.amount, again.attempt)


def test_a_wrong_setting_can_be_tried_again_as_it_was() -> None:
    """PAY-5: after a person has mended the configuration."""
    shop = by_hand(claimable=0)
    shop.wishes = Wishes(owed=12_001)
    (intent,) = shop.intend()
    declined = Declined(kind=DeclineKind.CONFIGURATION)
    shop.tell(ReportAnswer(key=intent.key, answer=declined, at=shop.now))
    assert () == shop.intend()
    shop.tell(RetryPayment(tender=CARD))
    assert 1 == len(shop.intend())


def test_what_another_tender_pays_is_not_asked_of_a_declined_one() -> None:
    """PAY-1: a new open tender takes what the declined one does not bring."""
    shop = by_hand(claimable=0)
    shop.wishes = Wishes(owed=12_001)
    (intent,) = shop.intend()
    shop.tell(ReportAnswer(key=intent.key, answer=Declined(kind=DeclineKind.HARD), at=shop.now))
    shop.tell(AddTender(tender=Tender(id=TenderId("other"))))
    assert [(TenderId("other"), euro(2_000))] == [
        (intent.tender, intent.amount) for intent in shop.intend()
    ]


def test_money_by_hand_counts_once() -> None:
    """The reference makes it unique; used for another payment it is refused."""
    shop = by_hand()
    payment = RecordPayment(tender=CASH, amount=euro(1), reference=Reference("till-7"))
    assert 1 == len(shop.tell(payment))
    assert () == shop.tell(payment)
    for other in (
        evolve(payment, amount=euro(2)),
        evolve(payment, tender=CARD),
        RecordRefund(tender=CASH, amount=euro(1), reference=Reference("till-7")),
    ):
        with pytest.raises(ReferenceReusedError):
            shop.tell(other)
    assert euro(1) == totals(shop.state, EUR).captured


def test_money_given_back_by_hand_stays_within_what_came_in() -> None:
    """ABUSE 42: never more than the tender took and still holds."""
    shop = by_hand()
    shop.tell(RecordPayment(tender=CASH, amount=euro(500), reference=Reference("in")))
    shop.tell(RecordRefund(tender=CASH, amount=euro(300), reference=Reference("out-1")))
    with pytest.raises(RefundExceedsCapturedError) as caught:
        shop.tell(RecordRefund(tender=CASH, amount=euro(201), reference=Reference("out-2")))
    assert euro(200) == caught.value.possible


def test_a_person_resolves_what_is_open() -> None:
    """PAY-2: nothing is guessed; a person says what became of it, and it is recorded."""
    shop = Shop()
    shop.step()
    shop.step([Fate.LOST_ANSWER, Fate.LOST_CALL])
    first, second = shop.state.operations
    with pytest.raises(StillSendingError):
        shop.tell(ResolveOperation(key=first, outcome=Outcome.NEVER_HAPPENED))
    shop.tell(
        ResolveOperation(key=first, outcome=Outcome.SUCCEEDED, reference=Reference("seen-there"))
    )
    shop.wait(16)
    shop.tell(ResolveOperation(key=second, outcome=Outcome.NEVER_HAPPENED))
    assert [OperationStatus.SUCCEEDED, OperationStatus.NEVER_HAPPENED] == [
        found.status for found in shop.state.operations.values()
    ]
    with pytest.raises(OperationSettledError):
        shop.tell(ResolveOperation(key=first, outcome=Outcome.SUCCEEDED))
    with pytest.raises(UnknownOperationError):
        shop.tell(ResolveOperation(key=Key("x"), outcome=Outcome.SUCCEEDED))


def test_what_a_person_found_fits_what_the_gateway_says_later() -> None:
    """The late answer names it otherwise than "by hand", and contradicts nothing."""
    shop = Shop()
    shop.intend()
    key = next(iter(shop.state.operations))
    shop.tell(ReportAnswer(key=key, answer=Unknown(), at=shop.now))
    shop.tell(ResolveOperation(key=key, outcome=Outcome.SUCCEEDED))
    amount = shop.state.operations[key].intent.amount
    late = Succeeded(reference=Reference("gw-1"), amount=amount)
    assert () == shop.tell(ReportAnswer(key=key, answer=late, at=shop.now))
    assert not shop.state.operations[key].mismatch


def test_a_retry_keeps_the_key_of_an_open_attempt() -> None:
    """ABUSE 46: while the outcome is unknown there is no second key for the same money."""
    shop = Shop()
    shop.intend()
    shop.step([Fate.LOST_ANSWER, Fate.LOST_ANSWER])
    before = set(shop.state.operations)
    shop.tell(RetryPayment(tender=CARD))
    shop.wait(3)
    shop.work()
    assert before == set(shop.state.operations)


def test_the_instrument_stays_while_a_call_may_be_sent_again() -> None:
    """PAY-2: a resend has the same body; another instrument would make it another."""
    shop = Shop()
    shop.intend()
    with pytest.raises(StillSendingError):
        shop.tell(RetryPayment(tender=CARD, instrument="tok_2"))
    shop.wait(16)
    shop.tell(RetryPayment(tender=CARD, instrument="tok_2"))


def test_a_payer_may_choose_another_card_instead_of_confirming() -> None:
    """What waits for the payer does not stop a new attempt; if it comes after all, it is voided."""
    shop = Shop(state=PaymentState(tenders=(Tender(id=CARD),)))
    (first,) = shop.intend()
    required = ActionRequired(reference=Reference("a-1"), action="confirm")
    shop.tell(ReportAnswer(key=first.key, answer=required, at=shop.now))
    assert () == shop.intend()
    shop.tell(RetryPayment(tender=CARD, instrument="tok_2"))
    (second,) = shop.intend()
    assert second.key != first.key
    for key in (second.key, first.key):
        reference = Reference("a-1" if key == first.key else "a-2")
        succeeded = Succeeded(reference=reference, amount=first.amount)
        shop.tell(ReportAnswer(key=key, answer=succeeded, at=shop.now))
    assert [(Operation.VOID, first.amount)] == [
        (intent.operation, intent.amount) for intent in shop.intend()
    ]


def test_refusals_say_what_to_do_next() -> None:
    """Each error has its family and a sentence with its facts."""
    refused = (
        AlreadyCapturedError(),
        AuthorisationClosedError(),
        CaptureBlockedError(),
        CaptureExceedsAuthorisationError(euro(2), euro(1)),
        NothingToVoidError(CARD),
        AnotherInstrumentNeededError(CARD),
        OperationSettledError(Key("k"), "succeeded"),
        StillSendingError(Key("k"), Shop().now + timedelta(minutes=1)),
        RefundExceedsCapturedError(euro(2), euro(1)),
        DuplicateTenderError(CARD),
    )
    assert all(isinstance(error, RefusedError) for error in refused)
    assert isinstance(ReferenceReusedError(Reference("r")), ConflictError)
    assert isinstance(UnknownOperationError(Key("k")), NotFoundError)
    sentences: set[str] = {str(error) for error in (*refused, UnknownTenderError(CARD))}
    assert all("{" not in sentence for sentence in sentences)
    assert len(refused) + 1 == len(sentences)
    assert all(isinstance(error, OrderCoreError) for error in refused)


def test_the_gateway_sees_one_capture_only() -> None:
    """ABUSE 38: by hand and twice; the truth has one."""
    shop = by_hand()
    shop.tell(CaptureNow())
    shop.work()
    shop.work()
    assert 10_000 == shop.gateway.moved(Operation.CAPTURE)
