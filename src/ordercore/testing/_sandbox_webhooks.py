"""
What the sandbox tells without being asked: late, twice, never, or out of order.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.facts import Report
from ordercore.ids import OrderId, Reference
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
from ordercore.testing._sandbox_books import Books, Entry, Planned
from ordercore.testing._sandbox_chance import Chance

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
            planned = Planned(
                due_at=at + wait,
                about=about.value,
                key=entry.key,
                named=named,
                happened_at=at,
                dispute=dispute[0],
                status=dispute[1],
                amount=dispute[2],
            )
            self.books.plan(planned)

    def due(self, now: datetime) -> tuple[tuple[int, Delivery | None], ...]:
        """What is to be told by now, in the order in which it is sent; None: no longer true."""
        planned = self.books.planned(now, PAGE)
        return tuple((number, self._delivery(one)) for number, one in planned)

    def sent(self, number: int) -> None:
        """Note that a webhook reached somebody."""
        self.books.sent(number)

    def _delivery(self, planned: Planned) -> Delivery | None:
        entry = self.books.find(planned.key)
        report = None if entry is None else self._report(planned, entry)
        if entry is None or report is None:
            return None
        what = f"{planned.about} {planned.key} {planned.dispute} {planned.status}"
        name = self.chance.name("evt", what)
        return Delivery(id=name, order=entry.order, at=planned.due_at, report=report)

    def _report(self, planned: Planned, entry: Entry) -> Report | None:
        at = planned.happened_at
        match About(planned.about):
            case About.OPERATION:
                return _happened(entry, at, named=planned.named)
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
                return self._expiry(entry, at)
            case About.DISPUTE:
                return ReportDispute(
                    reference=Reference(planned.dispute or ""),
                    capture=entry.reference,
                    amount=Money(planned.amount or 0, entry.amount.currency),
                    status=DisputeStatus(planned.status or ""),
                    at=at,
                )

    def _expiry(self, entry: Entry, at: datetime) -> Report | None:
        """That an authorisation, or its extension, has ended; unless it stands or is used up."""
        ended = entry
        if entry.operation is not Operation.AUTHORISE:
            ended = self.books.called(entry.target, Operation.AUTHORISE) or entry
        about = self.books.aimed_at(ended.reference)
        used = sum(each.amount.minor for each in about if each.uses and each.counts(at))
        if not self.books.is_over(ended, at) or used >= self.books.granted(ended, at):
            return None
        return ReportAuthorisationExpired(reference=ended.reference, at=at)


def _happened(entry: Entry, at: datetime, *, named: bool) -> ReportOperation:
    return ReportOperation(
        operation=entry.operation,
        reference=entry.reference,
        amount=entry.amount,
        key=entry.key if named else None,
        expires_at=entry.expires_at,
        at=at,
    )
