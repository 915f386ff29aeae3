"""
An account of store value: lots, what payments have set aside of them, and the fold of its facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce

from attrs import evolve, field, frozen

from ordercore.facts import Event
from ordercore.ids import Key
from ordercore.money import Currency, Money, sum_money
from ordercore.payment.events import (
    LotPart,
    StoreValueHeld,
    StoreValueIssued,
    StoreValueLapsed,
    StoreValueReleased,
    StoreValueReturned,
    StoreValueTaken,
)

__all__ = ["Account", "Lot", "ValueHold", "evolve_value", "replay_value"]


@frozen(kw_only=True)
class Lot:
    """Value that came in at once; ``left`` is neither spent, nor held, nor lapsed."""

    id: Key
    left: Money
    expires_at: datetime | None = None

    def is_usable(self, now: datetime) -> bool:
        """Whether it can still be spent."""
        return self.expires_at is None or now < self.expires_at


@frozen(kw_only=True)
class ValueHold:
    """What one payment has set aside, taken and got back, part by part."""

    held: tuple[LotPart, ...]
    open: tuple[LotPart, ...]
    """Set aside and not yet taken or released."""
    taken: tuple[LotPart, ...] = ()
    """Taken and not given back."""


@frozen(kw_only=True)
class Account:
    """The value that somebody has; ``steps`` remembers the fact that each key made."""

    currency: Currency
    lots: Mapping[Key, Lot] = field(factory=dict[Key, Lot])
    holds: Mapping[Key, ValueHold] = field(factory=dict[Key, ValueHold])
    steps: Mapping[Key, Event] = field(factory=dict[Key, Event])

    def in_turn(self, now: datetime) -> tuple[Lot, ...]:
        """The lots that can be used now, in the order in which they are."""
        usable = (lot for lot in self.lots.values() if lot.left.is_positive and lot.is_usable(now))
        return tuple(sorted(usable, key=_turn))

    def available(self, now: datetime) -> Money:
        """
        What can be held now.

        Source:
            RULES PAY-1.
        """
        return sum_money((lot.left for lot in self.in_turn(now)), self.currency)

    def lapses_at(self) -> datetime | None:
        """When the next lot that still has something ends; None: none ever does."""
        ends = (lot.expires_at for lot in self.lots.values() if lot.left.is_positive)
        return min((at for at in ends if at is not None), default=None)


def _turn(lot: Lot) -> tuple[bool, str]:
    """What expires first stands first; what never does, last; equals keep their age."""
    ends = lot.expires_at
    return ends is None, "" if ends is None else ends.isoformat(timespec="microseconds")


def _without(parts: Iterable[LotPart], gone: Iterable[LotPart]) -> tuple[LotPart, ...]:
    rest = {part.lot: part.amount for part in parts}
    for part in gone:
        rest[part.lot] = rest[part.lot] - part.amount
    return tuple(LotPart(lot, amount) for lot, amount in rest.items() if amount.is_positive)


def _with(parts: Iterable[LotPart], more: Iterable[LotPart]) -> tuple[LotPart, ...]:
    both = {part.lot: part.amount for part in parts}
    for part in more:
        both[part.lot] = both[part.lot] + part.amount if part.lot in both else part.amount
    return tuple(LotPart(lot, amount) for lot, amount in both.items())


def evolve_value(account: Account, event: Event) -> Account:
    """The account after *event*; total: facts of other kinds change nothing."""
    match event:
        case StoreValueIssued(key=key, amount=amount):
            lot = Lot(id=key, left=amount, expires_at=event.expires_at)
            known = evolve(account, lots={**account.lots, key: lot})
            return _step(known, key, event)
        case StoreValueHeld(key=key, parts=parts):
            hold = ValueHold(held=parts, open=parts)
            known = evolve(account, holds={**account.holds, key: hold})
            return _step(_moved(known, parts, -1), key, event)
        case StoreValueTaken(key=key, parts=parts):
            old = account.holds[event.hold]
            new = evolve(old, open=_without(old.open, parts), taken=_with(old.taken, parts))
            return _step(_held(account, event.hold, new), key, event)
        case StoreValueReleased(key=key, parts=parts):
            old = account.holds[event.hold]
            known = _held(account, event.hold, evolve(old, open=_without(old.open, parts)))
            return _step(_moved(known, parts, 1), key, event)
        case StoreValueReturned():
            return _returned(account, event)
        case StoreValueLapsed(parts=parts):
            return _moved(account, parts, -1)
        case _:
            return account


def replay_value(events: Iterable[Event], start: Account | None = None) -> Account | None:
    """The account that these facts make; None where the first of them issues nothing."""
    account = start
    for event in events:
        if account is None and isinstance(event, StoreValueIssued):
            account = Account(currency=event.amount.currency)
        account = None if account is None else evolve_value(account, event)
    return account


def _returned(account: Account, event: StoreValueReturned) -> Account:
    """What comes back of an expired lot is a lot of its own: the rest of the old one lapses."""
    old = account.holds[event.hold]
    known = _held(account, event.hold, evolve(old, taken=_without(old.taken, event.parts)))
    back = tuple(part for part in event.parts if part.lot not in event.renewed)
    anew = sum_money((part.amount for part in event.parts if part not in back), account.currency)
    if anew.is_positive:
        lot = Lot(id=event.key, left=anew, expires_at=event.expires_at)
        known = evolve(known, lots={**known.lots, lot.id: lot})
    return _step(_moved(known, back, 1), event.key, event)


def _held(account: Account, key: Key, hold: ValueHold) -> Account:
    return evolve(account, holds={**account.holds, key: hold})


def _moved(account: Account, parts: Iterable[LotPart], sign: int) -> Account:
    def change(lots: Mapping[Key, Lot], part: LotPart) -> Mapping[Key, Lot]:
        lot = lots[part.lot]
        return {**lots, part.lot: evolve(lot, left=lot.left + part.amount * sign)}

    return evolve(account, lots=reduce(change, parts, account.lots))


def _step(account: Account, key: Key, fact: Event) -> Account:
    return evolve(account, steps={**account.steps, key: fact})
