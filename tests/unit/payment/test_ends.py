"""When an authorisation ends, whoever says so or does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.codec.converter import fingerprint, to_plain
from ordercore.ids import Key, Reference
from ordercore.moment import NaiveDatetimeError
from ordercore.payment._fields import InvalidPaymentError
from ordercore.payment.answers import PartiallyApproved, Pending, Succeeded, Unknown
from ordercore.payment.commands import (
    Outcome,
    PaymentReport,
    PaymentRequest,
    ReportAnswer,
    ReportOperation,
    ResolveOperation,
)
from ordercore.payment.events import OperationSucceeded
from ordercore.payment.model import Operation, Tender
from ordercore.payment.policy import Capabilities
from ordercore.payment.state import PaymentState
from tests.laws.payment_world import CARD, Shop, euro

DAYS: Final = timedelta(days=4)
REF: Final = Reference("r-1")


def shop_of() -> tuple[Shop, Key]:
    """A shop whose gateway declares four days, and an authorisation that was asked for."""
    shop = Shop(state=PaymentState(tenders=(Tender(id=CARD),)))
    shop.capabilities = evolve(Capabilities(), authorisation_lifetime=DAYS)
    (intent,) = shop.intend()
    return shop, intent.key


def answered(shop: Shop, key: Key, ends: datetime | None = None) -> PaymentReport:
    succeeded = Succeeded(reference=REF, amount=euro(10_000), expires_at=ends)
    return ReportAnswer(key=key, answer=succeeded, at=shop.now)


def approved(shop: Shop, key: Key) -> PaymentReport:
    part = PartiallyApproved(reference=REF, amount=euro(4_000))
    return ReportAnswer(key=key, answer=part, at=shop.now)


def told(shop: Shop, key: Key) -> PaymentReport:
    return ReportOperation(
        operation=Operation.AUTHORISE, reference=REF, amount=euro(10_000), key=key, at=shop.now
    )


def resolved(_: Shop, key: Key) -> PaymentRequest:
    return ResolveOperation(key=key, outcome=Outcome.SUCCEEDED)


@pytest.mark.parametrize("word", [answered, approved, told, resolved])
def test_who_does_not_say_when_means_what_is_declared(
    word: Callable[[Shop, Key], PaymentReport | PaymentRequest],
) -> None:
    """PAY-4: by whatever way it is heard of, an authorisation ends."""
    shop, key = shop_of()
    asked = shop.now
    shop.wait(30)
    shop.tell(word(shop, key))
    assert asked + DAYS == shop.state.operations[key].expires_at


def test_what_was_under_way_first_begins_when_it_succeeds() -> None:
    """PAY-4: a payer who takes long to confirm does not shorten the authorisation."""
    shop, key = shop_of()
    shop.tell(ReportAnswer(key=key, answer=Pending(reference=REF), at=shop.now))
    shop.wait(60 * 24 * 5)
    shop.tell(told(shop, key))
    assert shop.now + DAYS == shop.state.operations[key].expires_at


@pytest.mark.parametrize("year", [1, 1970, 2025])
def test_an_end_before_the_question_is_none(year: int) -> None:
    """PAY-4: else it would be over at once, and asked for again without end."""
    shop, key = shop_of()
    asked = shop.now
    shop.tell(answered(shop, key, datetime(year, 1, 1, tzinfo=UTC)))
    assert asked + DAYS == shop.state.operations[key].expires_at


def test_the_end_of_the_calendar_can_be_reckoned_with() -> None:
    """PAY-4: a gateway whose authorisations never end says so by a far date."""
    shop, key = shop_of()
    never = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    shop.tell(answered(shop, key, never))
    shop.wait(60 * 24 * 30)
    shop.work()
    assert never == shop.state.operations[key].expires_at
    assert euro(10_000).minor == shop.state.book.total.authorised


def lost() -> tuple[Shop, Key]:
    """An authorisation that nobody could say anything about for a while."""
    shop, key = shop_of()
    shop.tell(ReportAnswer(key=key, answer=Unknown(), at=shop.now))
    shop.wait(60 * 24)
    return shop, key


def seen(key: Key, ends: datetime | None) -> ResolveOperation:
    """A person has looked at the gateway's own pages."""
    return ResolveOperation(key=key, outcome=Outcome.SUCCEEDED, reference=REF, expires_at=ends)


@pytest.mark.parametrize("later", [timedelta(minutes=12), -timedelta(days=1), timedelta(days=30)])
def test_a_person_says_until_when_an_authorisation_stands(later: timedelta) -> None:
    """PAY-4: the call came later than it was intended, so it ends later; or as the gateway says."""
    shop, key = lost()
    ends = shop.state.operations[key].intent.at + DAYS + later
    (fact,) = shop.tell(seen(key, ends))
    assert isinstance(fact, OperationSucceeded)
    assert (ends, ends) == (fact.expires_at, shop.state.operations[key].expires_at)


def test_what_still_stands_at_the_gateway_is_not_taken_anew() -> None:
    """PAY-4: by the intent's time it would be over twelve minutes too early, and blocked twice."""
    shop, key = lost()
    began = shop.state.operations[key].intent.at
    shop.tell(seen(key, began + DAYS + timedelta(minutes=12)))
    shop.now = began + DAYS + timedelta(minutes=1)
    assert () == shop.intend()
    shop.now = began + DAYS + timedelta(minutes=13)
    assert [Operation.AUTHORISE] == [intent.operation for intent in shop.intend()]


@pytest.mark.parametrize("is_named", [False, True])
def test_a_person_who_does_not_say_when_means_the_earliest(*, is_named: bool) -> None:
    """PAY-4: nobody knows when it began, and nothing may be captured after its end."""
    shop, key = lost()
    asked = shop.state.operations[key].intent.at
    if is_named:
        shop.tell(ReportAnswer(key=key, answer=Pending(reference=REF), at=shop.now))
    shop.tell(seen(key, None))
    assert asked + DAYS == shop.state.operations[key].expires_at


@pytest.mark.parametrize("minutes", [0, 1, 60 * 24 * 365])
def test_an_end_before_the_question_is_refused_of_a_person(minutes: int) -> None:
    """PAY-4: a person can be told, so that a slip of the pen is not counted as no end."""
    shop, key = lost()
    before = shop.state
    ends = before.operations[key].intent.at - timedelta(minutes=minutes)
    with pytest.raises(InvalidPaymentError, match="cannot have ended before"):
        shop.tell(seen(key, ends))
    assert before == shop.state


def test_a_person_gives_an_end_only_to_what_ends() -> None:
    """PAY-4: a capture has none."""
    shop, key = shop_of()
    shop.tell(answered(shop, key))
    shop.wishes = evolve(shop.wishes, claimable=10_000)
    (capture,) = shop.intend()
    assert Operation.CAPTURE is capture.operation
    with pytest.raises(InvalidPaymentError, match="has no end"):
        shop.tell(seen(capture.key, shop.now + DAYS))
    shop.tell(seen(capture.key, None))
    assert shop.state.operations[capture.key].expires_at is None


def test_an_end_is_an_instant_with_a_time_zone() -> None:
    """PAY-4: a naive one could be that of any place."""
    with pytest.raises(NaiveDatetimeError):
        seen(Key("k"), datetime(2026, 1, 1))  # noqa: DTZ001 - it is what the test is about


def test_a_word_without_an_end_is_the_word_of_before() -> None:
    """A retry of a request that was made by an older version has the same fingerprint."""
    old = seen(Key("k"), None)
    assert "expires_at" not in str(to_plain(old))
    assert fingerprint(old) == fingerprint(seen(Key("k"), None))
    assert fingerprint(old) != fingerprint(seen(Key("k"), datetime(2026, 1, 1, tzinfo=UTC)))
