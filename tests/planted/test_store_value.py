"""Wrong ways to keep store value, each of which the law of value must notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import pytest
from attrs import evolve

from ordercore.errors import ConflictError
from ordercore.money import Money
from ordercore.payment import account as folding
from ordercore.payment import store_value as deciding
from ordercore.payment.account import Account
from ordercore.payment.events import LotPart, StoreValueReturned
from ordercore.ports.unit_of_work import StreamChange
from ordercore.service.turn import Turn
from tests.laws.test_store_value import law_of_value
from tests.unit.service.test_credit import (
    test_two_orders_never_spend_the_same_value as race,
)

right_return = folding._returned  # pyright: ignore[reportPrivateUsage] - it is to be exchanged

STORY = [
    ("issue", 300, 0, 40),
    ("issue", 200, 0, 2),
    ("hold", 350, 0, 0),
    ("take", 100, 0, 0),
    ("take", 200, 0, 0),
    ("return", 250, 0, 0),
    ("return", 100, 0, 0),
    ("release", 1, 0, 0),
    ("hold", 400, 1, 0),
    ("take", 300, 1, 0),
    ("release", 1, 1, 0),
    ("wait", 1, 0, 9),
    ("return", 120, 1, 0),
    ("lapse", 1, 0, 0),
    ("hold", 90, 2, 0),
    ("release", 1, 2, 0),
    ("lapse", 1, 0, 0),
]
EXPIRED = [
    ("issue", 300, 0, 2),
    ("hold", 200, 0, 0),
    ("take", 200, 0, 0),
    ("hold", 50, 1, 0),
    ("wait", 1, 0, 9),
    ("return", 200, 0, 0),
    ("release", 1, 1, 0),
]


def test_the_law_holds() -> None:
    """A story with a bit of everything, and one of a lot that expires; nothing is planted."""
    law_of_value(STORY)
    law_of_value(EXPIRED)


def unbounded(_account: Account, _asked: Money, _parts: Iterable[LotPart]) -> None:
    """More may be taken or returned than there is."""


def kept(parts: Iterable[LotPart], _gone: Iterable[LotPart]) -> tuple[LotPart, ...]:
    """What is taken stays held."""
    return tuple(parts)


def unmoved(account: Account, _parts: Iterable[LotPart], _sign: int) -> Account:
    """A hold leaves its lots as they were."""
    return account


def all_of_them(parts: Iterable[LotPart], _amount: Money) -> tuple[LotPart, ...]:
    """Whole lots are used, whatever was asked for."""
    return tuple(parts)


def replaced(_parts: Iterable[LotPart], more: Iterable[LotPart]) -> tuple[LotPart, ...]:
    """The second taking forgets the first."""
    return tuple(more)


def renewed_whole(account: Account, event: StoreValueReturned) -> Account:
    """A return gives the whole of an expired lot a new term, also what nobody had spent."""
    lots = dict(account.lots)
    for lot in event.renewed:
        lots[lot] = evolve(lots[lot], expires_at=event.expires_at)
    return right_return(evolve(account, lots=lots), evolve(event, renewed=()))


def lapsed_first(account: Account, event: StoreValueReturned) -> Account:
    """The same once its free part has lapsed: what other payments hold of it is revived."""
    lots = dict(account.lots)
    for lot in event.renewed:
        lots[lot] = evolve(lots[lot], left=lots[lot].left * 0)
    return renewed_whole(evolve(account, lots=lots), event)


def never_renewed(account: Account, event: StoreValueReturned) -> Account:
    """What returns to an expired lot is worth nothing."""
    return right_return(account, evolve(event, renewed=()))


@pytest.mark.parametrize("bug", [renewed_whole, lapsed_first, never_renewed])
def test_each_bug_about_expiry_falls(bug: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in place more, or less, than what was spent comes back to life."""
    monkeypatch.setattr(folding, "_returned", bug)
    with pytest.raises(AssertionError):
        law_of_value(EXPIRED)


@pytest.mark.parametrize(
    ("where", "name", "bug"),
    [
        (folding, "_without", kept),
        (folding, "_moved", unmoved),
        (folding, "_with", replaced),
        (deciding, "_first", all_of_them),
        (deciding, "_check", unbounded),
    ],
)
def test_each_bug_falls(
    where: object, name: str, bug: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bug in place value is lost or made."""
    monkeypatch.setattr(where, name, bug)
    with pytest.raises((AssertionError, KeyError)):
        law_of_value(STORY)


# --- beside the order -----------------------------------------------------------------------------


def nothing(_self: Turn, _now: datetime) -> Iterator[StreamChange]:
    """The order is written, and the account that pays for it is not."""
    return iter(())


def always(_self: Turn, _error: Exception) -> bool:
    """Who comes second at an account is refused as if the order were taken."""
    return True


@pytest.mark.parametrize(
    ("where", "name", "bug"),
    [
        (Turn, "beside", nothing),
        (Turn, "is_about_order", always),
    ],
)
def test_each_bug_beside_the_order_falls(
    where: object, name: str, bug: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two orders want the same value: with the bug one of them takes what is not there."""
    race()
    monkeypatch.setattr(where, name, bug)
    with pytest.raises((AssertionError, ConflictError)):
        race()
