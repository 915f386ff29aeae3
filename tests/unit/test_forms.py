"""A value of a near kind is refused with the way to write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ordercore.errors import InvalidValueError
from ordercore.fulfilment.commands import CorrectParcel
from ordercore.ids import HoldKind, LineId, ParcelId
from ordercore.money import EUR, Money
from ordercore.order.commands import CancelUnits, PlaceHold
from ordercore.order.terms import Terms
from ordercore.payment.cards import CardNumberError
from ordercore.service.intentions import key_of


def loose(value: object) -> Any:  # noqa: ANN401 - it is bad on purpose
    """A value without its type, as untyped code would pass it."""
    return value


@pytest.mark.parametrize(
    ("bad", "advice"),
    [
        (lambda: Terms(confirm_within=loose(timedelta(days=2))), r"write Period\(days=2\)"),
        (lambda: Terms(dispatch_within=loose(timedelta(days=2))), r"write Period\(days=2\)"),
        (lambda: Terms(backorder=loose("ALLOW")), r"write BackorderRule\.ALLOW"),
        (
            lambda: CorrectParcel(parcel=ParcelId("p"), status=loose("delivered"), reason="seen"),
            r"write ParcelStatus\.DELIVERED",
        ),
        (lambda: CancelUnits(units=loose((LineId("tea"), 5))), r"write \(\(line, 1\),\)"),
        (lambda: CancelUnits(units=loose("tea")), r"write \(\(line, 1\),\)"),
        (lambda: PlaceHold(kind=HoldKind("h"), blocks=loose("ship")), r"tuple .* Blocks\.SHIP"),
        (lambda: PlaceHold(kind=HoldKind("h"), blocks=()), r"tuple .* Blocks\.SHIP"),
        (lambda: Money(loose("5.00"), EUR), r"Money\.parse\(text, currency\)"),
    ],
)
def test_the_refusal_shows_the_form(bad: Callable[[], object], advice: str) -> None:
    """X-4: who writes a word, a timedelta or a decimal is told what to write instead."""
    with pytest.raises(InvalidValueError, match=advice):
        bad()


def test_a_key_is_no_card_number() -> None:
    """PAY-8: a key is stored, so it must not be the number of a card."""
    assert "checkout-4711" == key_of("checkout-4711")
    for number in ("4111111111111111", "pay-5500 0000 0000 0004"):
        with pytest.raises(CardNumberError):
            key_of(number)
