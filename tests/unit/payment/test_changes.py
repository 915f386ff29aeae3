"""Increases and extensions: PAY-2's capabilities that change a standing authorisation."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.adapters.memory import MemoryStore
from ordercore.codec._leaves import Json
from ordercore.codec.registry import event_codec
from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import EUR
from ordercore.payment.account import Account
from ordercore.payment.answers import (
    Answer,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Succeeded,
    Unknown,
)
from ordercore.payment.balance import is_dead, totals
from ordercore.payment.commands import (
    ReportAuthorisationExpired,
    ReportFailure,
    ReportOperation,
    RetryPayment,
)
from ordercore.payment.decide import AnotherInstrumentNeededError
from ordercore.payment.events import OperationDeclined, OperationIntended
from ordercore.payment.model import ADJUSTING, Intent, Operation, OperationStatus, Tender
from ordercore.payment.operations import wake_payment
from ordercore.payment.policy import OF_STORE_VALUE, Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState
from ordercore.ports.gateways import NOT_DECLARED, PaymentCall, PaymentGateway
from ordercore.process.value import settle_value
from ordercore.service.effects import Ports, SendToGateway
from ordercore.service.sync import NoCarrier, RandomIds
from tests.laws.payment_world import (
    CARD,
    LIFETIME,
    START,
    Fate,
    Shop,
    euro,
    law_of_the_end,
    law_of_truth,
    with_wishes,
)

ABLE: Final = Capabilities(incremental=True, extend=True)
CODEC: Final = event_codec()
FADES: Final = timedelta(days=2)
SECOND: Final = TenderId("second")
HARD, SOFT = Declined(kind=DeclineKind.HARD), Declined(kind=DeclineKind.SOFT)
FRAUD: Final = Declined(kind=DeclineKind.FRAUD)
CANNOT: Final = Declined(kind=DeclineKind.CONFIGURATION)


def shop_of(*tenders: Tender, can: Capabilities = ABLE) -> Shop:
    """A shop whose card has authorised 100.00."""
    shop = Shop(
        state=PaymentState(tenders=tenders or (Tender(id=CARD, instrument="tok_1"),)),
        policy=PaymentPolicy(renew_before=FADES),
        capabilities=can,
    )
    shop.work()
    return shop


def brief(intents: tuple[Intent, ...]) -> list[tuple[Operation, int]]:
    return [(intent.operation, intent.amount.minor) for intent in intents]


def raised(shop: Shop, *, to: int = 12_500) -> Intent:
    """More is owed, and the increase is intended."""
    with_wishes(shop, owed=to)
    (intent,) = shop.intend()
    return intent


def fading(shop: Shop) -> Intent:
    """The authorisation fades, and what is done about it is intended."""
    shop.now = START + LIFETIME - FADES
    (intent,) = shop.intend()
    return intent


def done(shop: Shop, intent: Intent, *, ends: datetime | None = None) -> None:
    answer = Succeeded(reference=Reference(f"r-{intent.key}"), amount=intent.amount)
    shop.hear(intent.key, evolve(answer, expires_at=ends))


def of(shop: Shop, operation: Operation) -> list[int]:
    return [found.intent.amount.minor for found in shop.state.of(operation)]


# --- increases ----------------------------------------------------------------------------------


def test_what_is_missing_is_raised_where_that_is_declared() -> None:
    """PAY-2: the live authorisation is raised to the whole; one capture takes all of it."""
    shop = shop_of()
    first = next(shop.state.of(Operation.AUTHORISE))
    intent = raised(shop)
    assert (Operation.INCREASE, euro(12_500), first.intent.key) == (
        intent.operation,
        intent.amount,
        intent.target,
    )
    assert euro(2_500) == totals(shop.state, EUR).authorisations_in_flight
    shop.work()
    assert euro(12_500) == totals(shop.state, EUR).authorised
    with_wishes(shop, claimable=12_500)
    shop.work()
    assert [12_500] == of(shop, Operation.CAPTURE)
    assert [10_000] == of(shop, Operation.AUTHORISE)


def test_what_is_missing_is_authorised_beside_where_it_is_not() -> None:
    """PAY-2: a gateway that does not declare increases is never asked for one."""
    shop = shop_of(can=Capabilities(extend=True))
    assert Operation.AUTHORISE is raised(shop).operation


def test_what_was_begun_is_not_raised() -> None:
    """PAY-4: once something was captured of it, the difference is authorised beside."""
    shop = shop_of()
    with_wishes(shop, claimable=4_000)
    shop.work()
    intent = raised(shop)
    assert (Operation.AUTHORISE, 2_500) == (intent.operation, intent.amount.minor)


def test_what_is_captured_now_is_not_raised() -> None:
    """PAY-3: a capture and an increase of one authorisation are never under way together."""
    shop = shop_of()
    with_wishes(shop, owed=12_500, claimable=4_000)
    assert [(Operation.CAPTURE, 4_000)] == brief(shop.intend())
    assert [(Operation.AUTHORISE, 2_500)] == brief(shop.intend())


def test_another_instrument_is_authorised_beside() -> None:
    """PAY-2: an increase goes to the instrument that was authorised, not to its successor."""
    shop = shop_of()
    shop.tell(RetryPayment(tender=CARD, instrument="tok_2"))
    assert Operation.AUTHORISE is raised(shop).operation


def test_increases_do_not_add_up() -> None:
    """PAY-3: amounts are those of the whole; told twice and out of order they change nothing."""
    shop = shop_of()
    first = raised(shop, to=11_000)
    shop.hear(first.key, Unknown())
    shop.wait(60)
    shop.work()  # asked, not found: it never happened, and is wanted anew
    shop.work()
    assert euro(11_000) == totals(shop.state, EUR).authorised
    second = raised(shop, to=12_500)
    done(shop, second)
    done(shop, first)
    assert euro(12_500) == totals(shop.state, EUR).authorised


def test_a_raised_authorisation_may_be_told_as_a_whole() -> None:
    """PAY-6: a webhook about the authorisation with its new amount is not added to the increase."""
    shop = shop_of()
    known = next(shop.state.of(Operation.AUTHORISE))
    assert known.reference is not None
    intent = raised(shop)
    told = ReportOperation(
        operation=Operation.AUTHORISE, reference=known.reference, amount=euro(12_500), at=shop.now
    )
    shop.tell(told)
    assert euro(12_500) == totals(shop.state, EUR).authorised
    assert euro(0) == totals(shop.state, EUR).authorisations_in_flight
    done(shop, intent)
    assert euro(12_500) == totals(shop.state, EUR).authorised
    shop.hear(known.intent.key, Succeeded(reference=known.reference, amount=euro(12_500)))
    assert not any(found.mismatch for found in shop.state.operations.values())


def test_an_increase_that_was_taken_back_counts_for_nothing() -> None:
    """PAY-6: a failure outranks the success; the authorisation is as large as before."""
    shop = shop_of()
    intent = raised(shop)
    done(shop, intent)
    name = Reference(f"r-{intent.key}")
    shop.tell(ReportFailure(operation=Operation.INCREASE, reference=name, at=shop.now))
    assert euro(10_000) == totals(shop.state, EUR).authorised


def test_a_part_of_an_increase_counts() -> None:
    """PAY-1: what was approved of it is the new whole, and the rest stays missing."""
    shop = shop_of()
    intent = raised(shop)
    part = PartiallyApproved(reference=Reference("part"), amount=euro(11_000))
    shop.hear(intent.key, part)
    assert euro(11_000) == totals(shop.state, EUR).authorised


def test_a_reply_about_another_amount_parks_the_increase() -> None:
    """PAY-6, ABUSE 33: what does not fit the intent is left to a person."""
    shop = shop_of()
    intent = raised(shop)
    shop.hear(intent.key, Succeeded(reference=Reference("r"), amount=euro(2_500)))
    assert OperationStatus.PARKED is shop.state.operations[intent.key].status


def test_a_soft_decline_is_waited_for() -> None:
    """PAY-5: the same later, and nothing beside in the meantime; bounded, then nothing more."""
    shop = shop_of()
    attempts = 0
    with_wishes(shop, owed=12_500)
    while intents := shop.intend():
        assert [(Operation.INCREASE, 12_500)] == brief(intents)
        attempts += 1
        shop.hear(intents[0].key, evolve(SOFT, retry_after=timedelta(hours=2)))
        assert () == shop.intend()
        later = shop.now + timedelta(hours=2)
        if attempts <= shop.policy.soft_retries:
            assert later in set(wake_payment(shop.state, policy=shop.policy))
        shop.now = later
    assert 1 + shop.policy.soft_retries == attempts
    assert is_dead(shop.state, shop.state.tenders[0])
    assert euro(10_000) == totals(shop.state, EUR).authorised


@pytest.mark.parametrize("answer", [HARD, FRAUD], ids=["hard", "fraud"])
def test_after_a_no_for_good_other_tenders_take_over(answer: Answer) -> None:
    """PAY-5: the instrument brings what it has brought; nothing more is asked of it."""
    fixed = Tender(id=CARD, instrument="tok_1", amount=euro(12_500))
    shop = shop_of(fixed, Tender(id=SECOND, instrument="tok_2"))
    intent = raised(shop)
    shop.hear(intent.key, answer)
    (other,) = shop.intend()
    assert (Operation.AUTHORISE, SECOND, 2_500) == (
        other.operation,
        other.tender,
        other.amount.minor,
    )
    with pytest.raises(AnotherInstrumentNeededError):
        shop.tell(RetryPayment(tender=CARD))


def test_what_cannot_be_raised_gets_another_beside() -> None:
    """PAY-2: "this one cannot be raised" is no word about the instrument."""
    shop = shop_of()
    shop.hear(raised(shop).key, CANNOT)
    assert [(Operation.AUTHORISE, 2_500)] == brief(shop.intend())


def test_an_increase_in_doubt_is_not_asked_for_twice() -> None:
    """PAY-3: nothing beside, no void, and no capture before it has arrived or never will."""
    shop = shop_of()
    raised(shop)
    shop.step([Fate.LATE])
    with_wishes(shop, owed=13_000, claimable=4_000)
    assert () == shop.intend()
    horizon = shop.policy.horizon + shop.capabilities.call_timeout
    assert START + horizon in set(
        wake_payment(shop.state, policy=shop.policy, capabilities=shop.capabilities)
    )
    shop.now = START + horizon
    assert [(Operation.CAPTURE, 4_000)] == brief(shop.intend())
    shop.settle(20)
    law_of_truth(shop)
    assert euro(13_000 - 4_000) == totals(shop.state, EUR).authorised


def test_a_gateway_that_captures_wholes_is_waited_for() -> None:
    """PAY-2: while nobody knows how large it is, a whole cannot be captured."""
    can = evolve(ABLE, partial_capture=False, look_up=False)
    shop = shop_of(can=can)
    shop.hear(raised(shop).key, Unknown())
    with_wishes(shop, claimable=12_500)
    shop.now = START + timedelta(hours=2)
    shop.step()
    assert [] == of(shop, Operation.CAPTURE)


def test_a_cancelled_order_lets_the_raised_authorisation_go() -> None:
    """A late success of an increase is recorded, and all of it is voided (ABUSE 35)."""
    shop = shop_of()
    raised(shop)
    shop.step([Fate.LOST_ANSWER])
    with_wishes(shop, ended=True)
    assert () == shop.intend()
    shop.settle(12)
    assert [12_500] == of(shop, Operation.VOID)
    law_of_truth(shop)
    law_of_the_end(shop)


# --- extensions ---------------------------------------------------------------------------------


def test_what_fades_is_extended_where_that_is_declared() -> None:
    """PAY-4: it lasts longer, nothing is taken anew, and it is captured past its first end."""
    shop = shop_of()
    intent = fading(shop)
    assert (Operation.EXTEND, euro(10_000)) == (intent.operation, intent.amount)
    shop.work()
    wakes = set(wake_payment(shop.state, policy=shop.policy))
    assert {shop.now + LIFETIME, shop.now + LIFETIME - FADES} <= wakes
    assert START + LIFETIME not in wakes
    shop.now = START + LIFETIME + timedelta(hours=1)
    assert not shop.step()
    with_wishes(shop, claimable=10_000)
    shop.work()
    assert ([10_000], [10_000]) == (of(shop, Operation.AUTHORISE), of(shop, Operation.CAPTURE))
    (capture,) = shop.state.of(Operation.CAPTURE)
    assert intent.key == capture.intent.extension


def test_what_fades_is_taken_anew_where_it_is_not() -> None:
    """PAY-2: a gateway that does not declare extensions is never asked for one."""
    assert Operation.AUTHORISE is fading(shop_of(can=Capabilities(incremental=True))).operation


def test_what_cannot_be_extended_is_taken_anew() -> None:
    """PAY-4: extended or taken anew, while the old one still stands."""
    shop = shop_of()
    shop.hear(fading(shop).key, CANNOT)
    assert [(Operation.AUTHORISE, 10_000)] == brief(shop.intend())


def test_an_extension_that_brings_nothing_is_not_asked_again() -> None:
    """PAY-4: what fades as before is taken anew, not extended for ever."""
    shop = shop_of()
    done(shop, fading(shop), ends=START + LIFETIME)
    assert [(Operation.AUTHORISE, 10_000)] == brief(shop.intend())


def test_an_extension_without_an_end_lasts_as_declared() -> None:
    """PAY-2: a gateway that does not say until when has declared how long."""
    shop = shop_of()
    intent = fading(shop)
    done(shop, intent)
    assert (
        intent.at + shop.capabilities.authorisation_lifetime
        == shop.state.book.term(next(shop.state.of(Operation.AUTHORISE))).ends
    )


def test_nothing_is_raised_or_extended_after_expiry() -> None:
    """PAY-4: after its end an authorisation is taken anew, and no window is open past it."""
    shop = shop_of()
    shop.now = START + LIFETIME - timedelta(minutes=5)
    (intent,) = shop.intend()
    assert (Operation.EXTEND, START + LIFETIME) == (intent.operation, intent.not_after)
    late = shop_of()
    late.now = START + LIFETIME
    late.work()
    assert ([], [10_000, 10_000]) == (of(late, Operation.EXTEND), of(late, Operation.AUTHORISE))


def test_an_extension_in_doubt_keeps_the_order_waiting() -> None:
    """PAY-3: nothing is taken anew beside it; past the old end it is still waited for."""
    shop = shop_of()
    shop.now = START + LIFETIME - timedelta(minutes=10)
    shop.intend()
    shop.step([Fate.LOST_ANSWER])
    shop.now = START + LIFETIME + timedelta(minutes=1)
    assert [10_000] == of(shop, Operation.AUTHORISE)
    shop.settle(2)
    assert [10_000] == of(shop, Operation.AUTHORISE)
    assert euro(10_000) == totals(shop.state, EUR).authorised


@pytest.mark.parametrize("kind", ["expiry", "void"])
def test_an_end_may_be_told_by_the_name_of_the_extension(kind: str) -> None:
    """PAY-6: some gateways call it otherwise since; under either name it has ended."""
    shop = shop_of()
    shop.work()
    intent = fading(shop)
    done(shop, intent)
    name = Reference(f"r-{intent.key}")
    told: ReportAuthorisationExpired | ReportOperation = ReportAuthorisationExpired(
        reference=name, at=shop.now
    )
    if kind == "void":
        told = ReportOperation(
            operation=Operation.VOID, reference=name, amount=euro(10_000), at=shop.now
        )
    shop.tell(told)
    assert () == shop.state.waiting
    assert euro(0) == totals(shop.state, EUR).authorised


def test_keys_of_changes_are_their_own() -> None:
    """PAY-2: each attempt has a key of its kind, target and window like any operation."""
    shop = shop_of()
    first = raised(shop)
    assert first.key.startswith("increase-1-")
    assert Key(first.key) not in {found.intent.key for found in shop.state.of(Operation.AUTHORISE)}
    assert first.not_after == shop.now + shop.policy.send_window


@pytest.mark.parametrize("operation", sorted(ADJUSTING))
def test_stored_changes_are_read(operation: Operation) -> None:
    """ABUSE 63: what one version has written is read by all later ones, and written the same."""
    data: Json = {
        "at": "2026-03-01T09:00:00.000000Z",
        "intent": {
            "amount": [12500, "EUR"],
            "at": "2026-03-01T09:00:00.000000Z",
            "extension": "extend-1-a",
            "key": f"{operation}-1-b",
            "not_after": "2026-03-01T09:15:00.000000Z",
            "operation": str(operation.value),
            "target": "authorise-1-c",
            "tender": "card",
        },
    }
    event = CODEC.event_of({"type": "OperationIntended", "version": 1, "data": data})
    assert isinstance(event, OperationIntended)
    assert (operation, Key("extend-1-a"), 1) == (
        event.intent.operation,
        event.intent.extension,
        event.intent.attempt,
    )
    assert data == json.loads(CODEC.encode([event]))[0]["data"]


class Plain(PaymentGateway):
    """A gateway that knows nothing of increases and extensions."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    def authorise(self, call: PaymentCall) -> Answer:
        del call
        return HARD

    capture = void = refund = authorise

    def look_up(self, call: PaymentCall) -> LookUpAnswer:
        del call
        return NotFound()


@pytest.mark.parametrize("operation", sorted(ADJUSTING))
def test_a_gateway_need_not_know_them(operation: Operation) -> None:
    """PAY-2: who does not declare them answers that it did not happen, for certain."""
    call = PaymentCall(
        order=OrderId("o"),
        key=Key("k"),
        operation=operation,
        tender=Tender(id=CARD),
        amount=euro(1),
        not_after=START,
    )
    ports = Ports(store=MemoryStore(), payments=Plain(), carrier=NoCarrier(), ids=RandomIds())
    assert NOT_DECLARED == SendToGateway(call).call(ports)
    shop = shop_of()
    shop.hear(raised(shop).key, NOT_DECLARED)
    assert [(Operation.AUTHORISE, 2_500)] == brief(shop.intend())


@pytest.mark.parametrize("operation", sorted(ADJUSTING))
def test_an_account_is_neither_raised_nor_extended(operation: Operation) -> None:
    """PAY-1: nobody asks it of store value; if somebody did, the account would not move."""
    assert (False, False) == (OF_STORE_VALUE.incremental, OF_STORE_VALUE.extend)
    shop = shop_of()
    intent = Intent(
        key=Key("x"),
        operation=operation,
        tender=CARD,
        amount=euro(1),
        at=START,
        not_after=START,
        target=Key("y"),
    )
    (declined,), moved = settle_value(shop.state, intent, Account(currency=EUR), START)
    assert isinstance(declined, OperationDeclined)
    assert ("not-declared", ()) == (declined.code, moved)
