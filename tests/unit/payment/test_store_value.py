from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from attrs import evolve

from ordercore.ids import Key
from ordercore.money import EUR, USD, CurrencyMismatchError, Money
from ordercore.payment.account import Account, evolve_value, replay_value
from ordercore.payment.events import StoreValueLapsed
from ordercore.payment.model import InvalidPaymentError
from ordercore.payment.store_value import (
    HoldValue,
    InsufficientValueError,
    IssueValue,
    ReleaseValue,
    ReportLapse,
    ReturnValue,
    StoreValueCommand,
    TakeValue,
    UnknownValueHoldError,
    ValueKeyReusedError,
    decide_value,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def euro(minor: int) -> Money:
    return Money(minor, EUR)


def after(account: Account, *commands: StoreValueCommand, now: datetime = NOW) -> Account:
    for command in commands:
        account = reduce(evolve_value, decide_value(account, command, now), account)
    return account


def issue(name: str, minor: int, *, days: int | None = None) -> IssueValue:
    ends = None if days is None else NOW + days * DAY
    return IssueValue(key=Key(name), amount=euro(minor), expires_at=ends)


def hold(name: str, minor: int, *, partial: bool = False) -> HoldValue:
    return HoldValue(key=Key(name), amount=euro(minor), partial=partial)


def take(name: str, of: str, minor: int) -> TakeValue:
    return TakeValue(key=Key(name), hold=Key(of), amount=euro(minor))


THREE = after(
    Account(currency=EUR),
    issue("for ever", 1_000),
    issue("late", 1_000, days=20),
    issue("soon", 1_000, days=10),
)


def left(account: Account) -> dict[str, int]:
    return {str(lot.id): lot.left.minor for lot in account.lots.values()}


def test_what_expires_first_is_used_first() -> None:
    """PAY-1: lots with an expiry before lots without, the nearest first."""
    held = after(THREE, hold("h", 1_500))
    assert {"for ever": 1_000, "late": 500, "soon": 0} == left(held)
    assert euro(1_500) == held.available(NOW)


def test_the_older_of_two_equals_is_used_first() -> None:
    """PAY-1: oldest used first."""
    twins = after(Account(currency=EUR), issue("old", 100, days=5), issue("new", 100, days=5))
    assert {"old": 0, "new": 100} == left(after(twins, hold("h", 100)))


def test_an_expired_lot_is_not_used() -> None:
    """PAY-1: at the instant of its expiry a lot is gone, and its lapse is a fact, once."""
    ends = NOW + 10 * DAY
    assert euro(3_000) == THREE.available(ends - timedelta(microseconds=1))
    assert euro(2_000) == THREE.available(ends)
    (lapsed,) = decide_value(THREE, ReportLapse(at=ends), ends)
    assert isinstance(lapsed, StoreValueLapsed)
    assert () == decide_value(evolve_value(THREE, lapsed), ReportLapse(at=ends), ends)


def test_what_is_held_may_be_taken_after_its_lot_expired() -> None:
    """What was promised to a payment stays promised."""
    held = after(THREE, hold("h", 1_000))
    taken = after(held, take("t", "h", 1_000), now=NOW + 30 * DAY)
    assert euro(1_000) == taken.holds[Key("h")].taken[0].amount


def test_released_value_goes_back_to_its_lots() -> None:
    """A void gives everything back that was not taken."""
    part = after(THREE, hold("h", 1_500), take("t", "h", 400))
    free = after(part, ReleaseValue(key=Key("r"), hold=Key("h")))
    assert {"for ever": 1_000, "late": 1_000, "soon": 600} == left(free)


def test_a_part_of_what_is_held_is_released() -> None:
    """What was to be used last is free first; more than is held is refused."""
    held = after(THREE, hold("h", 1_500))
    free = ReleaseValue(key=Key("r"), hold=Key("h"), amount=euro(700))
    assert {"for ever": 1_000, "late": 1_000, "soon": 200} == left(after(held, free))
    with pytest.raises(InsufficientValueError):
        after(held, evolve(free, amount=euro(1_501)))
    with pytest.raises(ValueKeyReusedError):
        after(held, free, evolve(free, amount=None))


def test_an_account_is_the_fold_of_its_facts() -> None:
    """The first lot says which currency; without one there is no account."""
    facts = decide_value(Account(currency=EUR), issue("soon", 1_000, days=10), NOW)
    account = replay_value(facts)
    assert account is not None
    assert (euro(1_000), NOW + 10 * DAY) == (account.available(NOW), account.lapses_at())
    assert after(account, hold("h", 1_000)).lapses_at() is None
    assert replay_value(()) is None


def test_returned_value_goes_back_to_the_lots_that_were_used() -> None:
    """A refund goes back to what was used last, and never exceeds what was taken."""
    spent = after(THREE, hold("h", 1_500), take("t", "h", 1_500))
    back = ReturnValue(key=Key("b"), hold=Key("h"), amount=euro(700))
    assert {"for ever": 1_000, "late": 1_000, "soon": 200} == left(after(spent, back))
    with pytest.raises(InsufficientValueError):
        after(spent, back, evolve(back, key=Key("b2"), amount=euro(801)))


def test_what_returns_to_an_expired_lot_gets_a_new_term() -> None:
    """A refund is worth something, also when the lot has expired meanwhile."""
    later = NOW + 15 * DAY
    spent = after(THREE, hold("h", 1_000), take("t", "h", 1_000))
    back = ReturnValue(key=Key("b"), hold=Key("h"), amount=euro(1_000), expires_at=later + 30 * DAY)
    account = after(spent, back, now=later)
    assert later + 30 * DAY == account.lots[Key("b")].expires_at
    assert euro(3_000) == account.available(later)


def test_a_return_revives_nothing_that_was_never_spent() -> None:
    """Of an expired lot only what was spent comes back; its rest, free or held, still lapses."""
    start = after(Account(currency=EUR), issue("soon", 5_000, days=10))
    spent = after(start, hold("h", 3_000), take("t", "h", 3_000), hold("other", 500))
    later = NOW + 15 * DAY
    back = ReturnValue(key=Key("b"), hold=Key("h"), amount=euro(3_000))
    account = after(spent, back, ReleaseValue(key=Key("r"), hold=Key("other")), now=later)
    assert euro(3_000) == account.available(later)
    (lapsed,) = decide_value(account, ReportLapse(at=later), later)
    assert isinstance(lapsed, StoreValueLapsed)
    assert [euro(2_000)] == [part.amount for part in lapsed.parts]


def test_a_gift_card_with_too_little_may_pay_a_part() -> None:
    """A partial hold takes what is there; a whole one is refused, and says how much is."""
    with pytest.raises(InsufficientValueError) as caught:
        after(THREE, hold("h", 3_001))
    assert euro(3_000) == caught.value.available
    assert euro(0) == after(THREE, hold("h", 3_001, partial=True)).available(NOW)
    with pytest.raises(InsufficientValueError):
        after(Account(currency=EUR), hold("h", 1, partial=True))


@pytest.mark.parametrize(
    "command",
    [
        issue("soon", 1_000, days=10),
        hold("h", 1_000),
        take("t", "h", 500),
        ReleaseValue(key=Key("r"), hold=Key("h")),
        ReturnValue(key=Key("b"), hold=Key("h"), amount=euro(100)),
    ],
)
def test_a_repeated_step_does_nothing(command: StoreValueCommand) -> None:
    """Same key, same body: no fact. Same key, other body: refused."""
    done = after(
        THREE,
        hold("h", 1_000),
        take("t", "h", 500),
        ReleaseValue(key=Key("r"), hold=Key("h")),
        ReturnValue(key=Key("b"), hold=Key("h"), amount=euro(100)),
    )
    assert () == decide_value(done, command, NOW)
    other = hold("x", 1) if isinstance(command, IssueValue) else issue("x", 1)
    assert not isinstance(command, ReportLapse)
    with pytest.raises(ValueKeyReusedError):
        decide_value(done, evolve(other, key=command.key), NOW)


def test_bad_steps_are_refused() -> None:
    """Unknown holds, other currencies, lots that are over before they begin."""
    with pytest.raises(UnknownValueHoldError):
        after(THREE, take("t", "nothing", 1))
    with pytest.raises(UnknownValueHoldError):
        after(THREE, ReleaseValue(key=Key("r"), hold=Key("nothing")))
    with pytest.raises(CurrencyMismatchError):
        after(THREE, HoldValue(key=Key("h"), amount=Money(1, USD)))
    with pytest.raises(InvalidPaymentError):
        after(THREE, issue("late to the party", 1, days=0))
    with pytest.raises(InvalidPaymentError):
        hold("h", 0)
    with pytest.raises(InsufficientValueError):
        after(THREE, hold("h", 100), take("t", "h", 101))


def test_value_lapses_by_the_clock_only() -> None:
    """A report of a day that has not come takes nothing from a lot that is alive (PAY-1)."""
    assert () == decide_value(THREE, ReportLapse(at=NOW + 9_999 * DAY), NOW)


STEPS: dict[str, tuple[StoreValueCommand, StoreValueCommand]] = {
    "take": (take("k", "h", 100), take("k", "other", 100)),
    "release": (
        ReleaseValue(key=Key("k"), hold=Key("h"), amount=euro(100)),
        ReleaseValue(key=Key("k"), hold=Key("other"), amount=euro(100)),
    ),
    "return": (
        ReturnValue(key=Key("k"), hold=Key("h"), amount=euro(100)),
        ReturnValue(key=Key("k"), hold=Key("other"), amount=euro(100)),
    ),
    "issue": (issue("k", 100, days=5), issue("k", 100, days=6)),
    "hold": (hold("k", 9_999, partial=True), hold("k", 9_999)),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_key_stands_for_the_whole_step(name: str) -> None:
    """PAY-1: the same key for another hold, end or part is another step, and is refused."""
    first, other = STEPS[name]
    ready = after(THREE, hold("h", 300), hold("other", 300), take("a", "h", 100))
    done = after(after(ready, take("b", "other", 100)), first)
    assert () == decide_value(done, first, NOW)
    with pytest.raises(ValueKeyReusedError):
        decide_value(done, other, NOW)
