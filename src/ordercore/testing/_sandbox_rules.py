"""
The rules of the sandbox gateway: what real ones refuse, and what it refuses by the amount.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from ordercore.money import Money
from ordercore.payment.answers import DeclineKind
from ordercore.payment.model import Operation, TenderKind
from ordercore.payment.policy import Capabilities
from ordercore.testing._sandbox_books import Ask, Books, Entry, Verdict

__all__ = ["BY_AMOUNT", "OVER_ASKED", "Rules"]

BY_AMOUNT: Final = {
    2: "hard: do_not_honour",
    5: "soft, the first time for an order and tender: try_again_later",
    8: "a gift card, store credit or points hold half of it only",
    9: "fraud: suspected_fraud",
}
"""What an authorisation or an increase gets by the last two digits of its amount in minor units."""
SOFT_RETRY_AFTER: Final = timedelta(minutes=10)
STORE_VALUE: Final = frozenset({TenderKind.GIFT_CARD, TenderKind.STORE_CREDIT, TenderKind.POINTS})

OVER_ASKED: Final = frozenset(
    {
        "unknown_target",
        "not_captured",
        "capture_exceeds_authorisation",
        "extension_differs",
        "increase_is_none",
        "not_declared",
        "not_whole",
        "void_exceeds_authorisation",
        "refund_exceeds_capture",
        "partial_capture",
        "partial_void",
        "currency_not_taken",
        "currency_differs",
    }
)
"""Codes of declines that are the shop's own fault: a correct engine never earns one."""


@frozen(kw_only=True)
class Rules:
    """Judges one operation from the books and the declared capabilities."""

    books: Books
    capabilities: Capabilities
    by_amount: bool
    now: datetime

    def verdict(self, ask: Ask) -> Verdict:
        """What the gateway says."""
        if not self.capabilities.takes(ask.amount.currency):
            return _wrong(ask, "currency_not_taken")
        if ask.operation is Operation.AUTHORISE:
            return self._authorise(ask)
        wanted = Operation.CAPTURE if ask.operation is Operation.REFUND else Operation.AUTHORISE
        target = self.books.called(ask.target, wanted)
        if target is None or target.order != ask.order:
            return _wrong(ask, "unknown_target")
        if target.amount.currency is not ask.amount.currency:
            return _wrong(ask, "currency_differs")
        return self._about(ask, target)

    def _about(self, ask: Ask, target: Entry) -> Verdict:
        match ask.operation:
            case Operation.AUTHORISE:
                return self._authorise(ask)
            case Operation.CAPTURE:
                return self._capture(ask, target)
            case Operation.VOID:
                return self._void(ask, target)
            case Operation.REFUND:
                return self._refund(ask, target)
            case Operation.INCREASE:
                return self._increase(ask, target)
            case Operation.EXTEND:
                return self._extend(ask, target)

    def _authorise(self, ask: Ask) -> Verdict:
        declined = self._refused(ask)
        if declined is not None:
            return declined
        amount = ask.amount
        is_half = self.by_amount and amount.minor % 100 == 8 and ask.tender_kind in STORE_VALUE
        if is_half:
            amount = Money(max(1, amount.minor // 2), amount.currency)
        expires_at = self.now + self.capabilities.authorisation_lifetime
        return Verdict(amount=amount, expires_at=expires_at)

    def _refused(self, ask: Ask) -> Verdict | None:
        """The decline that the tender or the amount asks for."""
        if self.books.refuses(ask.tender):
            return _declined(ask, DeclineKind.SOFT, "try_again_later")
        last = ask.amount.minor % 100 if self.by_amount else 0
        if last == 2:
            return _declined(ask, DeclineKind.HARD, "do_not_honour")
        if last == 9:
            return _declined(ask, DeclineKind.FRAUD, "suspected_fraud")
        if last == 5 and self._is_first(ask):
            return _declined(ask, DeclineKind.SOFT, "try_again_later", wait=SOFT_RETRY_AFTER)
        return None

    def _is_first(self, ask: Ask) -> bool:
        return not any(
            entry.operation is ask.operation and entry.tender == ask.tender
            for entry in self.books.entries(ask.order)
        )

    def _increase(self, ask: Ask, target: Entry) -> Verdict:
        """Larger, of a whole and standing authorisation; when it ends does not change."""
        refused = self._refused(ask) or self._cannot_change(
            ask, target, is_declared=self.capabilities.incremental
        )
        if refused is not None:
            return refused
        if ask.amount.minor <= self.books.granted(target, self.now):
            return _wrong(ask, "increase_is_none")
        return Verdict(amount=ask.amount)

    def _extend(self, ask: Ask, target: Entry) -> Verdict:
        """As large as it is, for one lifetime from now."""
        refused = self._cannot_change(ask, target, is_declared=self.capabilities.extend)
        if refused is not None:
            return refused
        if ask.amount.minor != self.books.granted(target, self.now):
            return _wrong(ask, "extension_differs")
        expires_at = self.now + self.capabilities.authorisation_lifetime
        return Verdict(amount=ask.amount, expires_at=expires_at)

    def _cannot_change(self, ask: Ask, target: Entry, *, is_declared: bool) -> Verdict | None:
        """Why an authorisation can be neither raised nor extended."""
        if not is_declared:
            return _wrong(ask, "not_declared")
        if self.books.is_over(target, self.now):
            return _declined(ask, DeclineKind.HARD, "authorisation_expired")
        if self.left(target).minor != self.books.granted(target, self.now):
            return _wrong(ask, "not_whole")
        return None

    def _capture(self, ask: Ask, target: Entry) -> Verdict:
        if self.books.is_over(target, self.now):
            return _declined(ask, DeclineKind.HARD, "authorisation_expired")
        left, granted = self.left(target), self.books.granted(target, self.now)
        if not self.capabilities.partial_capture and ask.amount < left:
            return _wrong(ask, "partial_capture")
        over = granted * self.capabilities.over_capture
        if ask.amount.minor > left.minor + over or not left.is_positive:
            return _wrong(ask, "capture_exceeds_authorisation")
        return Verdict(amount=ask.amount)

    def _void(self, ask: Ask, target: Entry) -> Verdict:
        left = self.left(target)
        if ask.amount > left:
            return _wrong(ask, "void_exceeds_authorisation")
        if ask.amount < left and not self.capabilities.partial_void:
            return _wrong(ask, "partial_void")
        return Verdict(amount=ask.amount)

    def _refund(self, ask: Ask, target: Entry) -> Verdict:
        if not target.counts(self.now) or self.now < target.known_at:
            return _wrong(ask, "not_captured")
        settled_at = target.known_at + self.capabilities.settlement_delay
        if not self.capabilities.refund_before_settlement and self.now < settled_at:
            wait = settled_at - self.now
            return _declined(ask, DeclineKind.SOFT, "not_settled", wait=wait)
        if ask.amount > self.refundable(target):
            return _wrong(ask, "refund_exceeds_capture")
        return Verdict(amount=ask.amount)

    def left(self, authorisation: Entry) -> Money:
        """What can still be captured or voided of an authorisation."""
        nothing = Money.zero(authorisation.amount.currency)
        if not authorisation.counts(self.now) or self.now < authorisation.known_at:
            return nothing
        about = [entry for entry in self._counting(authorisation) if entry.uses]
        captured = any(entry.operation is Operation.CAPTURE for entry in about)
        if captured and not self.capabilities.multiple_capture:
            return nothing
        granted = Money(self.books.granted(authorisation, self.now), nothing.currency)
        return max(nothing, granted - _sum(about, nothing))

    def refundable(self, capture: Entry) -> Money:
        """What can still be given back of a capture."""
        nothing = Money.zero(capture.amount.currency)
        disputed = Money(self.books.disputed(capture.reference), nothing.currency)
        gone = _sum(self._counting(capture), nothing) + disputed
        return max(nothing, capture.amount - gone)

    def _counting(self, target: Entry) -> tuple[Entry, ...]:
        about = self.books.aimed_at(target.reference)
        return tuple(entry for entry in about if entry.counts(self.now))


def _sum(entries: Iterable[Entry], nothing: Money) -> Money:
    return sum((entry.amount for entry in entries), nothing)


def _declined(ask: Ask, kind: DeclineKind, code: str, *, wait: timedelta | None = None) -> Verdict:
    return Verdict(amount=ask.amount, kind=kind, code=code, retry_after=wait)


def _wrong(ask: Ask, code: str) -> Verdict:
    return _declined(ask, DeclineKind.CONFIGURATION, code)
