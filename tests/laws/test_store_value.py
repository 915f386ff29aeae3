"""The law of store value (RULES PAY-1), as a function that also judges a wrong implementation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.errors import RefusedError
from ordercore.facts import Event
from ordercore.ids import Key
from ordercore.money import EUR, Money, sum_money
from ordercore.payment import account as folding
from ordercore.payment import store_value as deciding
from ordercore.payment.account import Account
from ordercore.payment.events import (
    StoreValueHeld,
    StoreValueLapsed,
    StoreValueReleased,
    StoreValueReturned,
    StoreValueTaken,
)
from ordercore.payment.store_value import (
    HoldValue,
    IssueValue,
    ReleaseValue,
    ReportLapse,
    ReturnValue,
    StoreValueCommand,
    TakeValue,
    UnknownValueHoldError,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def euro(minor: int) -> Money:
    return Money(minor, EUR)


steps = st.lists(
    st.tuples(
        st.sampled_from(["issue", "hold", "take", "release", "return", "lapse", "wait"]),
        st.integers(1, 400),
        st.integers(0, 3),
        st.integers(0, 40),
    ),
    max_size=25,
)


def command_of(
    kind: str, index: int, minor: int, *, hold_: int, ends: datetime, now: datetime
) -> StoreValueCommand:
    key, of = Key(f"{kind}-{index}"), Key(f"hold-{hold_}")
    match kind:
        case "issue":
            return IssueValue(key=key, amount=euro(minor), expires_at=ends)
        case "hold":
            return HoldValue(key=of, amount=euro(minor))
        case "take":
            return TakeValue(key=key, hold=of, amount=euro(minor))
        case "release":
            return ReleaseValue(key=key, hold=of)
        case "return":
            return ReturnValue(key=key, hold=of, amount=euro(minor), expires_at=None)
        case _:
            return ReportLapse(at=now)


def usable_again(event: Event, ends: Mapping[Key, datetime | None], now: datetime) -> Money:
    """What a return or a release makes usable: all that returns, and of a hold what lasts."""
    if isinstance(event, StoreValueReturned):
        return event.asked
    parts = event.parts if isinstance(event, StoreValueReleased) else ()
    fresh = [part.amount for part in parts if (ends[part.lot] or now + DAY) > now]
    return sum_money(fresh, EUR)


def check_step(event: Event, gained: Money, usable: Money) -> None:
    """One fact moves what was asked for, and makes usable what it may."""
    if isinstance(event, StoreValueReturned | StoreValueReleased):
        assert usable == gained
    if isinstance(event, StoreValueHeld | StoreValueTaken | StoreValueReturned):
        assert event.asked == sum_money((part.amount for part in event.parts), EUR)


def law_of_value(steps: Iterable[tuple[str, int, int, int]]) -> None:
    """
    Issued = left + held + taken + lapsed; nothing is below zero; what is asked is moved.

    And what has expired becomes usable again only as far as it was spent and returned.
    """
    account, issued, lapsed, now = Account(currency=EUR), euro(0), euro(0), NOW
    ends: dict[Key, datetime | None] = {}
    for index, (kind, minor, hold_, days) in enumerate(steps):
        now += days * DAY if kind == "wait" else 0 * DAY
        until = now + days * DAY + DAY
        command = command_of(kind, index, minor, hold_=hold_, ends=until, now=now)
        events: tuple[Event, ...] = ()
        try:
            events = deciding.decide_value(account, command, now)
        except (RefusedError, UnknownValueHoldError):
            continue
        before = account.available(now)
        account = reduce(folding.evolve_value, events, account)
        if isinstance(command, IssueValue):
            issued += euro(minor)
        if isinstance(command, IssueValue | ReturnValue):
            ends[command.key] = command.expires_at
        for event in events:
            check_step(event, account.available(now) - before, usable_again(event, ends, now))
            if isinstance(event, StoreValueLapsed):
                lapsed += sum_money((part.amount for part in event.parts), EUR)
    lots = [lot.left for lot in account.lots.values()]
    parts = [
        part.amount for known in account.holds.values() for part in (*known.open, *known.taken)
    ]
    assert all(amount.minor >= 0 for amount in (*lots, *parts))
    assert issued == sum_money([*lots, *parts, lapsed], EUR)


@settings(max_examples=300)
@given(steps=steps)
def test_value_is_never_lost_nor_made(steps: list[tuple[str, int, int, int]]) -> None:
    """PAY-1: whatever is issued, held, taken, released, returned and lapses."""
    law_of_value(steps)
