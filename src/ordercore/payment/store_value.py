"""
Store value: gift cards, store credit and points as lots with an expiry (RULES PAY-1).

One account (`ordercore.payment.account`) is one stream of facts of its own. The lot that expires
first is used first, among equals the oldest. A *hold* sets parts of lots aside for one payment,
*taking* spends what is held, *returning* gives back to the lots that were spent. Every step is
idempotent by its key. An order whose tender names an account (`Tender.account`) pays from it in
its own commits: authorising holds, capturing takes, voiding releases, refunding returns
(`ordercore.process.value`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from attrs import define, field, frozen

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event, Report, Request
from ordercore.ids import Key
from ordercore.money import CurrencyMismatchError, Money, sum_money
from ordercore.payment._fields import (
    InvalidPaymentError,
    instant,
    key_id,
    positive,
    positive_or_none,
    yes_or_no,
)
from ordercore.payment.account import Account, ValueHold
from ordercore.payment.events import (
    LotPart,
    StoreValueHeld,
    StoreValueIssued,
    StoreValueLapsed,
    StoreValueReleased,
    StoreValueReturned,
    StoreValueTaken,
)

__all__ = [
    "HoldValue",
    "InsufficientValueError",
    "IssueValue",
    "ReleaseValue",
    "ReportLapse",
    "ReturnValue",
    "StoreValueCommand",
    "TakeValue",
    "UnknownAccountError",
    "UnknownValueHoldError",
    "ValueKeyReusedError",
    "decide_value",
]


@define
class InsufficientValueError(RefusedError):
    """Less is there than is asked for."""

    sentence = "{asked} is not there: {available} can be used now."
    asked: Money
    available: Money


@define
class UnknownAccountError(NotFoundError):
    """There is no such account of store value."""

    sentence = "There is no account {account}; issue value to it first."
    account: str


@define
class UnknownValueHoldError(NotFoundError):
    """Nothing was set aside under this key."""

    sentence = "Nothing was held under the key {key}."
    key: Key


@define
class ValueKeyReusedError(RefusedError):
    """The key belongs to another step."""

    sentence = "The key {key} was used for something else; use a new key for a new wish."
    key: Key


@frozen(kw_only=True)
class IssueValue(Request):
    """Add a lot; its key is the lot's name."""

    key: Key = field(converter=key_id)
    amount: Money = field(converter=positive)
    expires_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class HoldValue(Request):
    """Set an amount aside for one payment; with ``partial``, what is there of it."""

    key: Key = field(converter=key_id)
    amount: Money = field(converter=positive)
    partial: bool = field(default=False, validator=yes_or_no)


@frozen(kw_only=True)
class TakeValue(Request):
    """Spend a part of what is held."""

    key: Key = field(converter=key_id)
    hold: Key = field(converter=key_id)
    amount: Money = field(converter=positive)


@frozen(kw_only=True)
class ReleaseValue(Request):
    """Give back a part of what is still held, or all of it."""

    key: Key = field(converter=key_id)
    hold: Key = field(converter=key_id)
    amount: Money | None = field(default=None, converter=positive_or_none)


@frozen(kw_only=True)
class ReturnValue(Request):
    """
    Give back a part of what was taken, to the lots that were used last.

    What comes from a lot that has expired by now is a lot of its own, which may be used until
    ``expires_at``; what nobody had spent of the old one lapses.
    """

    key: Key = field(converter=key_id)
    hold: Key = field(converter=key_id)
    amount: Money = field(converter=positive)
    expires_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class ReportLapse(Report):
    """Time has passed: close the lots whose expiry it passed."""


StoreValueCommand: TypeAlias = (
    IssueValue | HoldValue | TakeValue | ReleaseValue | ReturnValue | ReportLapse
)


def decide_value(account: Account, command: StoreValueCommand, now: datetime) -> tuple[Event, ...]:
    """
    The facts that *command* adds; none where its key did the same before.

    Raises:
        InsufficientValueError: More is asked for than is available, held or taken.
        UnknownValueHoldError: Nothing was held under that key.
        ValueKeyReusedError: The key did something else before.
        CurrencyMismatchError: The amount is in another currency.

    Source:
        RULES PAY-1.
    """
    if isinstance(command, ReportLapse):
        return tuple(_lapse(account, min(command.at, now)))
    if _is_repeated(account, command):
        return ()
    match command:
        case IssueValue():
            return (_issue(command, now),)
        case HoldValue():
            return (_hold(account, command, now),)
        case TakeValue():
            return (_take(account, command, now),)
        case ReleaseValue():
            return (_release(account, command, now),)
        case ReturnValue():
            return (_give_back(account, command, now),)


def _is_repeated(
    account: Account, command: IssueValue | HoldValue | TakeValue | ReleaseValue | ReturnValue
) -> bool:
    amount = command.amount
    if amount is not None and amount.currency is not account.currency:
        raise CurrencyMismatchError(amount.currency.code, account.currency.code)
    known = account.steps.get(command.key)
    if known is None:
        return False
    if not _has_made(command, known):
        raise ValueKeyReusedError(command.key)
    return True


def _has_made(
    command: IssueValue | HoldValue | TakeValue | ReleaseValue | ReturnValue, fact: Event
) -> bool:
    """Whether a command asks for what made this fact; what had no effect is not compared."""
    match command:
        case IssueValue():
            lot = command.amount, command.expires_at
            return isinstance(fact, StoreValueIssued) and lot == (fact.amount, fact.expires_at)
        case HoldValue():
            return isinstance(fact, StoreValueHeld) and _has_held(command, fact)
        case TakeValue():
            taken = command.hold, command.amount
            return isinstance(fact, StoreValueTaken) and taken == (fact.hold, fact.asked)
        case ReleaseValue():
            freed = command.hold, command.amount
            return isinstance(fact, StoreValueReleased) and freed == (fact.hold, fact.asked)
        case ReturnValue():
            return isinstance(fact, StoreValueReturned) and _has_returned(command, fact)


def _has_returned(command: ReturnValue, fact: StoreValueReturned) -> bool:
    ends = not fact.renewed or command.expires_at == fact.expires_at
    return ends and (command.hold, command.amount) == (fact.hold, fact.asked)


def _has_held(command: HoldValue, fact: StoreValueHeld) -> bool:
    """A part counts only for whom a part is enough."""
    held = sum_money((part.amount for part in fact.parts), fact.asked.currency)
    return command.amount == fact.asked and (command.partial or held == fact.asked)


def _issue(command: IssueValue, now: datetime) -> Event:
    if command.expires_at is not None and command.expires_at <= now:
        raise InvalidPaymentError("expires_at", "it must lie in the future")
    return StoreValueIssued(
        key=command.key, amount=command.amount, expires_at=command.expires_at, at=now
    )


def _hold(account: Account, command: HoldValue, now: datetime) -> Event:
    available = account.available(now)
    amount = min(command.amount, available) if command.partial else command.amount
    if amount > available or not amount.is_positive:
        raise InsufficientValueError(command.amount, available)
    lots = [LotPart(lot.id, lot.left) for lot in account.in_turn(now)]
    return StoreValueHeld(key=command.key, asked=command.amount, parts=_first(lots, amount), at=now)


def _take(account: Account, command: TakeValue, now: datetime) -> Event:
    """What is held may be taken even after its lot has expired: it was promised."""
    hold = _known(account, command.hold)
    _check(account, command.amount, hold.open)
    parts = _first(hold.open, command.amount)
    return StoreValueTaken(
        key=command.key, hold=command.hold, asked=command.amount, parts=parts, at=now
    )


def _release(account: Account, command: ReleaseValue, now: datetime) -> Event:
    """Of a part, what was to be used last goes first."""
    hold = _known(account, command.hold)
    parts = hold.open
    if command.amount is not None:
        _check(account, command.amount, parts)
        parts = _first(tuple(reversed(parts)), command.amount)
    return StoreValueReleased(
        key=command.key, hold=command.hold, asked=command.amount, parts=parts, at=now
    )


def _give_back(account: Account, command: ReturnValue, now: datetime) -> Event:
    hold = _known(account, command.hold)
    _check(account, command.amount, hold.taken)
    parts = _first(tuple(reversed(hold.taken)), command.amount)
    expired = {part.lot for part in parts if not account.lots[part.lot].is_usable(now)}
    return StoreValueReturned(
        key=command.key,
        hold=command.hold,
        asked=command.amount,
        parts=parts,
        expires_at=command.expires_at if expired else None,
        renewed=tuple(part.lot for part in parts if part.lot in expired),
        at=now,
    )


def _lapse(account: Account, at: datetime) -> Iterator[Event]:
    parts = tuple(
        LotPart(lot.id, lot.left)
        for lot in account.lots.values()
        if lot.left.is_positive and not lot.is_usable(at)
    )
    if parts:
        yield StoreValueLapsed(parts=parts, at=at)


def _known(account: Account, hold: Key) -> ValueHold:
    found = account.holds.get(hold)
    if found is None:
        raise UnknownValueHoldError(hold)
    return found


def _check(account: Account, asked: Money, parts: Iterable[LotPart]) -> None:
    possible = sum_money((part.amount for part in parts), account.currency)
    if asked > possible:
        raise InsufficientValueError(asked, possible)


def _first(parts: Iterable[LotPart], amount: Money) -> tuple[LotPart, ...]:
    """The first parts that make up *amount*, the last of them cut."""
    result: list[LotPart] = []
    left = amount
    for part in parts:
        cut = min(part.amount, left)
        if cut.is_positive:
            result.append(LotPart(part.lot, cut))
            left -= cut
    return tuple(result)
