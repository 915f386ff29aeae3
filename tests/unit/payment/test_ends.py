"""When an authorisation ends, whoever says so or does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.ids import Key, Reference
from ordercore.payment.answers import PartiallyApproved, Pending, Succeeded
from ordercore.payment.commands import (
    Outcome,
    PaymentReport,
    PaymentRequest,
    ReportAnswer,
    ReportOperation,
    ResolveOperation,
)
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
