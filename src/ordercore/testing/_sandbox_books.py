"""
The books of the sandbox gateway: what it was asked, what it did, and what it will tell.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum, unique
from hashlib import sha256
from typing import Final

from attrs import field, frozen

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import Currency, Money
from ordercore.payment.answers import (
    ActionRequired,
    Answer,
    Declined,
    DeclineKind,
    PartiallyApproved,
    Pending,
    Succeeded,
)
from ordercore.payment.model import DisputeStatus, Operation, TenderKind
from ordercore.ports.gateways import PaymentCall
from ordercore.testing._sandbox_file import (
    Connection,
    Row,
    from_micros,
    instant_or_none,
    micros,
    micros_or_none,
)

__all__ = ["Ask", "Books", "Entry", "EntryState", "Verdict"]

OPERATION: Final = (
    "key, body, order_id, operation, tender, currency, asked, amount, target, reference, at,"
    " known_at, by_payer, fails_at, expires_at, kind, code, retry_after_s"
)


@frozen(kw_only=True)
class Ask:
    """A call as it is kept: ``body`` is a fingerprint of all that must not change on a resend."""

    key: Key
    body: str
    order: OrderId
    operation: Operation
    tender: TenderId
    tender_kind: TenderKind
    amount: Money
    target: Reference | None
    not_after: datetime

    @classmethod
    def of(cls, call: PaymentCall) -> Ask:
        """What a call asks; the payer's instrument is not kept, only its fingerprint."""
        body = (
            call.order,
            call.operation.value,
            call.tender.id,
            call.tender.kind.value,
            call.tender.instrument,
            call.amount.currency.code,
            call.amount.minor,
            call.target,
            call.party,
            call.not_after.isoformat(),
        )
        return cls(
            key=call.key,
            body=sha256(repr(body).encode()).hexdigest(),
            order=call.order,
            operation=call.operation,
            tender=call.tender.id,
            tender_kind=call.tender.kind,
            amount=call.amount,
            target=call.target,
            not_after=call.not_after,
        )


@frozen(kw_only=True)
class Verdict:
    """What a gateway says to one operation, before anything goes wrong on the way."""

    amount: Money
    kind: DeclineKind | None = None
    code: str = ""
    retry_after: timedelta | None = None
    expires_at: datetime | None = None


@unique
class EntryState(StrEnum):
    """What became of an operation in the gateway's own books."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    TAKEN_BACK = "taken_back"


@frozen(kw_only=True)
class Entry:
    """
    One operation in the gateway's own books.

    ``asked`` was wanted, ``amount`` is what it moved, or will have moved at ``known_at``.
    """

    key: Key
    body: str = field(repr=False)
    order: OrderId
    operation: Operation
    tender: TenderId
    asked: Money
    amount: Money
    target: Reference | None
    reference: Reference
    at: datetime
    known_at: datetime
    by_payer: bool = False
    fails_at: datetime | None = None
    expires_at: datetime | None = None
    kind: DeclineKind | None = None
    code: str = ""
    retry_after: timedelta | None = None

    def state(self, now: datetime) -> EntryState:
        """What is known of it now."""
        if now < self.known_at:
            return EntryState.PENDING
        if self.kind is not None:
            return EntryState.DECLINED
        if self.fails_at is not None and self.fails_at <= now:
            return EntryState.TAKEN_BACK
        return EntryState.SUCCEEDED

    def counts(self, now: datetime) -> bool:
        """Whether its amount is taken, or reserved for what is still pending."""
        return self.kind is None and (self.fails_at is None or now < self.fails_at)

    def answer(self, now: datetime) -> Answer:
        """What the gateway says when asked about it now."""
        match self.state(now):
            case EntryState.PENDING if self.by_payer:
                return ActionRequired(reference=self.reference, action="confirm at the bank")
            case EntryState.PENDING:
                return Pending(reference=self.reference)
            case EntryState.DECLINED if self.kind is not None:
                return Declined(kind=self.kind, code=self.code, retry_after=self.retry_after)
            case EntryState.TAKEN_BACK:
                return Declined(kind=DeclineKind.HARD, code="taken_back")
            case _:
                reply = Succeeded if self.amount == self.asked else PartiallyApproved
                return reply(
                    reference=self.reference, amount=self.amount, expires_at=self.expires_at
                )


@frozen
class Books:
    """The tables, inside one transaction."""

    connection: Connection

    def find(self, key: Key) -> Entry | None:
        """The operation that this key stands for."""
        return self._one("key = ?", key)

    def called(self, reference: Reference | None, operation: Operation) -> Entry | None:
        """The operation of one kind that the gateway itself calls so."""
        return self._one("reference = ? AND operation = ?", reference, operation.value)

    def entries(self, order: OrderId | None = None) -> tuple[Entry, ...]:
        """All operations, or those of one order, in the order in which they came."""
        if order is None:
            return self._all("1 = 1")
        return self._all("order_id = ?", order)

    def aimed_at(self, reference: Reference) -> tuple[Entry, ...]:
        """What was done about one operation."""
        return self._all("target = ?", reference)

    def about(self, reference: Reference) -> tuple[Entry, ...]:
        """One operation, and what was done about it."""
        return self._all("reference = ? OR target = ?", reference, reference)

    def _one(self, condition: str, *values: object) -> Entry | None:
        found = self._all(condition, *values)
        return found[0] if found else None

    def _all(self, condition: str, *values: object) -> tuple[Entry, ...]:
        rows: list[Row] = self.connection.execute(
            f"SELECT {OPERATION} FROM pay_operations"  # noqa: S608 - conditions of this module
            f" WHERE {condition} ORDER BY seq",
            values,
        ).fetchall()
        return tuple(_entry(row) for row in rows)

    def add(self, entry: Entry) -> None:
        """Write an operation down."""
        marks = ", ".join("?" * OPERATION.count(",")) + ", ?"
        self.connection.execute(
            f"INSERT INTO pay_operations ({OPERATION}) VALUES ({marks})",  # noqa: S608
            _columns(entry),
        )

    def undo(self, key: Key, *, fails_at: datetime | None, expires_at: datetime | None) -> None:
        """Note when a success is taken back, or when it ends."""
        self.connection.execute(
            "UPDATE pay_operations SET fails_at = ?, expires_at = ? WHERE key = ?",
            (micros_or_none(fails_at), micros_or_none(expires_at), key),
        )

    def disputed(self, capture: Reference) -> int:
        """How much of a capture is under dispute or lost in one, in minor units."""
        row = self.connection.execute(
            "SELECT coalesce(sum(amount), 0) FROM pay_disputes"
            " WHERE capture = ? AND status <> 'won'",
            (capture,),
        ).fetchone()
        return int(row[0])

    def dispute(
        self, reference: Reference, *, capture: Reference, amount: Money, status: DisputeStatus
    ) -> None:
        """Write down where a dispute stands."""
        self.connection.execute(
            "INSERT OR REPLACE INTO pay_disputes (reference, capture, amount, status)"
            " VALUES (?, ?, ?, ?)",
            (reference, capture, amount.minor, status.value),
        )

    # --- calls ----------------------------------------------------------------------------------

    def log(self, key: Key, what: str, now: datetime, *, wrong: str = "") -> int:
        """Write down that a call came, and what was wrong with it; how many came before it."""
        before = self.connection.execute(
            "SELECT count(*) FROM pay_calls WHERE key = ? AND what = ?", (key, what)
        ).fetchone()
        self.connection.execute(
            "INSERT INTO pay_calls (key, what, at, wrong) VALUES (?, ?, ?, ?)",
            (key, what, micros(now), wrong),
        )
        return int(before[0])

    def wrong_calls(self) -> tuple[tuple[Key, str], ...]:
        """Calls that a correct engine never makes, with what is wrong about them."""
        rows: list[Row] = self.connection.execute(
            "SELECT key, wrong FROM pay_calls WHERE wrong <> '' ORDER BY seq"
        ).fetchall()
        return tuple((Key(key), str(wrong)) for key, wrong in rows)

    def blame(self, key: Key, wrong: str, now: datetime) -> None:
        """Write down that a call wanted what it should not have wanted."""
        self.log(key, "blame", now, wrong=wrong)

    def delay(self, ask: Ask, arrives_at: datetime) -> None:
        """Keep a call that is still on its way."""
        self.connection.execute(
            "INSERT INTO pay_late (arrives_at, key, body, order_id, operation, tender, tender_kind,"
            " currency, asked, target, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                micros(arrives_at),
                ask.key,
                ask.body,
                ask.order,
                ask.operation.value,
                ask.tender,
                ask.tender_kind.value,
                ask.amount.currency.code,
                ask.amount.minor,
                ask.target,
                micros(ask.not_after),
            ),
        )

    def arrived(self, now: datetime) -> tuple[tuple[Ask, datetime], ...]:
        """Take the calls that have arrived by now, each with its time."""
        rows: list[Row] = self.connection.execute(
            "DELETE FROM pay_late WHERE arrives_at <= ? RETURNING arrives_at, seq, key, body,"
            " order_id, operation, tender, tender_kind, currency, asked, target, not_after",
            (micros(now),),
        ).fetchall()
        return tuple((_ask(row[2:]), from_micros(row[0])) for row in sorted(rows))


def _columns(entry: Entry) -> tuple[object, ...]:
    return (
        entry.key,
        entry.body,
        entry.order,
        entry.operation.value,
        entry.tender,
        entry.asked.currency.code,
        entry.asked.minor,
        entry.amount.minor,
        entry.target,
        entry.reference,
        micros(entry.at),
        micros(entry.known_at),
        int(entry.by_payer),
        micros_or_none(entry.fails_at),
        micros_or_none(entry.expires_at),
        None if entry.kind is None else entry.kind.value,
        entry.code,
        None if entry.retry_after is None else entry.retry_after // timedelta(seconds=1),
    )


def _entry(row: Row) -> Entry:
    currency = Currency(row[5])
    return Entry(
        key=Key(row[0]),
        body=row[1],
        order=OrderId(row[2]),
        operation=Operation(row[3]),
        tender=TenderId(row[4]),
        asked=Money(row[6], currency),
        amount=Money(row[7], currency),
        target=None if row[8] is None else Reference(row[8]),
        reference=Reference(row[9]),
        at=from_micros(row[10]),
        known_at=from_micros(row[11]),
        by_payer=bool(row[12]),
        fails_at=instant_or_none(row[13]),
        expires_at=instant_or_none(row[14]),
        kind=None if row[15] is None else DeclineKind(row[15]),
        code=row[16],
        retry_after=None if row[17] is None else timedelta(seconds=row[17]),
    )


def _ask(row: Row) -> Ask:
    key, body, order, operation, tender, kind, currency, asked, target, not_after = row
    return Ask(
        key=Key(key),
        body=body,
        order=OrderId(order),
        operation=Operation(operation),
        tender=TenderId(tender),
        tender_kind=TenderKind(kind),
        amount=Money(asked, Currency(currency)),
        target=None if target is None else Reference(target),
        not_after=from_micros(not_after),
    )
