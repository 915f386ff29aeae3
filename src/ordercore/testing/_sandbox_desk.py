"""
Where calls are worked off: fate, rules, books and webhooks in one transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from ordercore.ids import Key, Reference
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities
from ordercore.testing._sandbox_books import Ask, Books, Entry
from ordercore.testing._sandbox_chance import Chance, Fate
from ordercore.testing._sandbox_rules import OVER_ASKED, Rules
from ordercore.testing._sandbox_webhooks import Webhooks

__all__ = ["Desk"]

_CAN_FAIL: Final = frozenset({Operation.CAPTURE, Operation.REFUND})


@frozen(kw_only=True)
class Desk:
    """The sandbox gateway at one instant."""

    now: datetime
    books: Books
    chance: Chance
    capabilities: Capabilities
    by_amount: bool

    @property
    def webhooks(self) -> Webhooks:
        """What it tells by itself."""
        return Webhooks(books=self.books, chance=self.chance)

    def rules(self, at: datetime) -> Rules:
        """What it allows."""
        return Rules(
            books=self.books, capabilities=self.capabilities, by_amount=self.by_amount, now=at
        )

    def remembered(self, key: Key) -> Entry | None:
        """What was done under a key; after its lifetime the same call is done once more."""
        found = self.books.find(key)
        is_old = found is not None and found.at + self.capabilities.key_lifetime <= self.now
        return None if is_old else found

    def ended(self, ask: Ask) -> datetime | None:
        """
        When the authorisation ended that a call would capture or change; None: it stands.

        One that was ended before its time counts as long as was promised: who calls cannot know.
        """
        found = self.books.called(ask.target, Operation.AUTHORISE)
        if found is None or ask.operation is Operation.VOID:
            return None
        lifetime = self.capabilities.authorisation_lifetime
        about = (found, *self.books.aimed_at(found.reference))
        ends = [max(row.expires_at, row.at + lifetime) for row in about if row.expires_at]
        return max(ends) if ends and max(ends) <= self.now else None

    def catch_up(self) -> None:
        """Work off the late calls that have arrived by now."""
        for ask, at in self.books.arrived(self.now):
            if self.books.find(ask.key) is None:
                self._perform(ask, at, Fate.FINE)

    def receive(self, ask: Ask, fate: Fate) -> Entry | None:
        """A call that came for the first time: do it, delay it, or lose it."""
        if fate is Fate.LATE_CALL:
            wait = self.chance.within(self.chance.faults.longest_delay, ask.key, "late call")
            self.books.delay(ask, self.now + wait)
        if fate in {Fate.LATE_CALL, Fate.LOST_CALL, Fate.ERROR}:
            return None
        return self._perform(ask, self.now, fate)

    def _perform(self, ask: Ask, at: datetime, fate: Fate) -> Entry:
        verdict = self.rules(at).verdict(ask)
        waits = fate is Fate.PENDING or (
            fate is Fate.ACTION and ask.operation is Operation.AUTHORISE
        )
        known_at = at + self._wait(ask, "pending") if waits else at
        succeeds = verdict.kind is None
        fails = (
            succeeds
            and ask.operation in _CAN_FAIL
            and self.chance.happens(self.chance.faults.taken_back, ask.key, "taken back")
        )
        entry = Entry(
            key=ask.key,
            body=ask.body,
            order=ask.order,
            operation=ask.operation,
            tender=ask.tender,
            asked=ask.amount,
            amount=verdict.amount,
            target=ask.target,
            reference=Reference(self.chance.name(ask.operation.value[:4], ask.key)),
            at=at,
            known_at=known_at,
            by_payer=waits and fate is Fate.ACTION,
            fails_at=known_at + self._wait(ask, "failing") if fails else None,
            expires_at=verdict.expires_at,
            kind=verdict.kind,
            code=verdict.code,
            retry_after=verdict.retry_after,
        )
        self.books.add(entry)
        if entry.code in OVER_ASKED and not self._has_excuse(entry):
            self.books.blame(entry.key, f"over_asked {entry.code}", at)
        self.webhooks.plan(entry)
        return entry

    def _has_excuse(self, entry: Entry) -> bool:
        """Whether the engine cannot have known: its target was taken back, or is disputed."""
        if entry.target is None:
            return False
        about = self.books.about(entry.target)
        disputed = self.books.disputed(entry.target)
        return disputed > 0 or any(each.fails_at is not None for each in about)

    def _wait(self, ask: Ask, what: str) -> timedelta:
        return self.chance.within(self.chance.faults.longest_wait, ask.key, what)
