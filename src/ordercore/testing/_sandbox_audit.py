"""
What the sandbox gateway's books add up to, and what must never be found in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum, unique

from attrs import frozen

from ordercore.ids import Key, OrderId
from ordercore.money import Currency, Money
from ordercore.payment.model import Operation
from ordercore.testing._sandbox_books import Entry, EntryState
from ordercore.testing._sandbox_desk import Desk

__all__ = ["SandboxTotals", "Violation", "ViolationKind", "totals", "violations"]


@frozen(kw_only=True)
class SandboxTotals:
    """
    What the gateway's books add up to, in one currency.

    ``authorised`` counts every authorisation that ever succeeded, as large as it became, ``live``
    what can still be captured, ``disputed`` what is under dispute or lost in one.
    """

    authorised: Money
    live: Money
    captured: Money
    voided: Money
    refunded: Money
    disputed: Money


@unique
class ViolationKind(StrEnum):
    """What must never be found in the books or among the calls."""

    CAPTURED_TOO_MUCH = "captured_too_much"
    """More was captured and voided than an authorisation and its over-capture allow."""
    REFUNDED_TOO_MUCH = "refunded_too_much"
    """More was given back than a capture took."""
    KEY_DONE_TWICE = "key_done_twice"
    """One key moved money twice."""
    KEY_REUSED = "key_reused"
    """One key came with two different bodies."""
    SENT_TOO_LATE = "sent_too_late"
    """A call was sent after its ``not_after``, or after the end of its authorisation."""
    OVER_ASKED = "over_asked"
    """A call wanted what its target does not allow, though nothing went wrong outside."""


@frozen(kw_only=True)
class Violation:
    """Something that must never happen, and the key it happened under."""

    kind: ViolationKind
    key: Key
    detail: str = ""


def totals(desk: Desk, currency: Currency, order: OrderId | None) -> SandboxTotals:
    """All that has happened by now, of one order or of all."""
    nothing = Money.zero(currency)
    done = [
        entry
        for entry in desk.books.entries(order)
        if entry.amount.currency is currency and entry.state(desk.now) is EntryState.SUCCEEDED
    ]
    rules = desk.rules(desk.now)

    def of(operation: Operation) -> Money:
        amounts = (entry.amount for entry in done if entry.operation is operation)
        return sum(amounts, nothing)

    live = (
        rules.left(entry)
        for entry in done
        if entry.operation is Operation.AUTHORISE and not desk.books.is_over(entry, desk.now)
    )
    granted = (
        desk.books.granted(entry, desk.now)
        for entry in done
        if entry.operation is Operation.AUTHORISE
    )
    captures = [entry for entry in done if entry.operation is Operation.CAPTURE]
    disputed = (desk.books.disputed(entry.reference) for entry in captures)
    return SandboxTotals(
        authorised=Money(sum(granted), currency),
        live=sum(live, nothing),
        captured=of(Operation.CAPTURE),
        voided=of(Operation.VOID),
        refunded=of(Operation.REFUND),
        disputed=Money(sum(disputed), currency),
    )


def violations(desk: Desk) -> Iterator[Violation]:
    """All that must not be, found anew from the single rows."""
    entries = desk.books.entries()
    for key, times in Counter(entry.key for entry in entries if entry.kind is None).items():
        if times > 1:
            yield Violation(kind=ViolationKind.KEY_DONE_TWICE, key=key, detail=f"{times} times")
    for entry in entries:
        yield from _exceeded(desk, entry)
    for key, wrong in desk.books.wrong_calls():
        kind, _, detail = wrong.partition(" ")
        yield Violation(kind=ViolationKind(kind), key=key, detail=detail)


def _exceeded(desk: Desk, entry: Entry) -> Iterator[Violation]:
    about = [each for each in desk.books.aimed_at(entry.reference) if each.kind is None]
    if entry.operation is Operation.AUTHORISE:
        used = _sum(about, desk.now, {Operation.CAPTURE, Operation.VOID})
        granted = desk.books.granted(entry, desk.now)
        over = granted * desk.capabilities.over_capture
        if used > granted + over:
            detail = f"{used} of {granted}"
            yield Violation(kind=ViolationKind.CAPTURED_TOO_MUCH, key=entry.key, detail=detail)
    if entry.operation is Operation.CAPTURE:
        back = _sum(about, desk.now, {Operation.REFUND})
        if back > entry.amount.minor:
            detail = f"{back} of {entry.amount.minor}"
            yield Violation(kind=ViolationKind.REFUNDED_TOO_MUCH, key=entry.key, detail=detail)


def _sum(entries: Iterable[Entry], now: datetime, kinds: set[Operation]) -> int:
    counting = (entry for entry in entries if entry.counts(now) and entry.operation in kinds)
    return sum(entry.amount.minor for entry in counting)
