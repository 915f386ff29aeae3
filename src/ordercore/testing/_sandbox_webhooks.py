"""
What the sandbox tells without being asked: late, twice, never, or out of order.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.facts import Report
from ordercore.ids import Key, OrderId, Reference
from ordercore.moment import utc
from ordercore.money import Money
from ordercore.payment.commands import (
    ReportAnswer,
    ReportAuthorisationExpired,
    ReportDispute,
    ReportFailure,
    ReportOperation,
)
from ordercore.payment.model import DisputeStatus, Operation
from ordercore.testing._sandbox_books import Books, Entry
from ordercore.testing._sandbox_chance import Chance
from ordercore.testing._sandbox_file import (
    Row,
    from_micros,
    micros,
)

__all__ = ["Delivery", "Webhooks"]

PAGE: Final = 1000


@frozen(kw_only=True)
class Delivery:
    """
    One thing that the outside tells: a report about an order.

    ``id`` is the same for each copy of one message, as a real sender's event id is.
    """

    id: str
    order: OrderId
    at: datetime = field(converter=utc)
    report: Report


@unique
class About(StrEnum):
    """What a webhook is about."""

    OPERATION = "operation"
    ANSWER = "answer"
    FAILURE = "failure"
    EXPIRY = "expiry"
    DISPUTE = "dispute"


@frozen(kw_only=True)
class Webhooks:
    """Plans webhooks, and hands them out when they are due; inside one transaction."""

    books: Books
    chance: Chance

    def plan(self, entry: Entry) -> None:
        """Plan all that will be told about a new operation."""
        if entry.kind is not None:
            if entry.known_at > entry.at:
                self._add(About.ANSWER, entry, entry.known_at)
            return
        self._add(About.OPERATION, entry, entry.known_at)
        if entry.fails_at is not None:
            self._add(About.FAILURE, entry, entry.fails_at)
        if entry.expires_at is not None:
            self._add(About.EXPIRY, entry, entry.expires_at)

    def fail(self, entry: Entry, at: datetime) -> None:
        """Plan to tell that a success was taken back."""
        self._add(About.FAILURE, entry, at)

    def expire(self, entry: Entry, at: datetime) -> None:
        """Plan to tell that an authorisation ended."""
        self._add(About.EXPIRY, entry, at)

    def dispute(
        self,
        entry: Entry,
        at: datetime,
        *,
        reference: Reference,
        status: DisputeStatus,
        amount: Money,
    ) -> None:
        """Plan to tell of a dispute."""
        self._add(About.DISPUTE, entry, at, dispute=(reference, status.value, amount.minor))

    def _add(
        self,
        about: About,
        entry: Entry,
        at: datetime,
        *,
        dispute: tuple[str | None, str | None, int | None] = (None, None, None),
    ) -> None:
        what = f"{about.value} {dispute[0]} {dispute[1]}"
        named = not self.chance.happens(self.chance.faults.nameless, entry.key, f"nameless {what}")
        for wait in self.chance.told(entry.key, what):
            self.books.connection.execute(
                "INSERT INTO pay_webhooks"
                " (due_at, about, key, named, happened_at, dispute, status, amount)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    micros(at + wait),
                    about.value,
                    entry.key,
                    int(named),
                    micros(at),
                    *dispute,
                ),
            )

    def due(self, now: datetime) -> tuple[tuple[int, Delivery | None], ...]:
        """What is to be told by now, in the order in which it is sent; None: no longer true."""
        rows: list[Row] = self.books.connection.execute(
            "SELECT seq, due_at, about, key, named, happened_at, dispute, status, amount"
            " FROM pay_webhooks WHERE is_sent = 0 AND due_at <= ? ORDER BY due_at, seq LIMIT ?",
            (micros(now), PAGE),
        ).fetchall()
        return tuple((int(row[0]), self._delivery(row)) for row in rows)

    def sent(self, seq: int) -> None:
        """Note that a webhook reached somebody."""
        self.books.connection.execute("UPDATE pay_webhooks SET is_sent = 1 WHERE seq = ?", (seq,))

    def _delivery(self, row: Row) -> Delivery | None:
        _, due_at, about, key, *_ = row
        entry = self.books.find(Key(key))
        report = None if entry is None else self._report(row, entry)
        if entry is None or report is None:
            return None
        name = self.chance.name("evt", f"{about} {key} {row[6]} {row[7]}")
        return Delivery(id=name, order=entry.order, at=from_micros(due_at), report=report)

    def _report(self, row: Row, entry: Entry) -> Report | None:
        at = from_micros(row[5])
        match About(row[2]):
            case About.OPERATION:
                return _happened(entry, at, named=bool(row[4]))
            case About.ANSWER:
                return ReportAnswer(key=entry.key, answer=entry.answer(at), at=at)
            case About.FAILURE:
                return ReportFailure(
                    operation=entry.operation,
                    reference=entry.reference,
                    reason="taken back",
                    at=at,
                )
            case About.EXPIRY:
                is_used = self._is_used_up(entry, at)
                return (
                    None
                    if is_used
                    else ReportAuthorisationExpired(reference=entry.reference, at=at)
                )
            case About.DISPUTE:
                return ReportDispute(
                    reference=Reference(row[6]),
                    capture=entry.reference,
                    amount=Money(row[8], entry.amount.currency),
                    status=DisputeStatus(row[7]),
                    at=at,
                )

    def _is_used_up(self, entry: Entry, at: datetime) -> bool:
        about = self.books.aimed_at(entry.reference)
        used = sum(each.amount.minor for each in about if each.counts(at))
        return used >= entry.amount.minor


def _happened(entry: Entry, at: datetime, *, named: bool) -> ReportOperation:
    return ReportOperation(
        operation=entry.operation,
        reference=entry.reference,
        amount=entry.amount,
        key=entry.key if named else None,
        expires_at=entry.expires_at if entry.operation is Operation.AUTHORISE else None,
        at=at,
    )
