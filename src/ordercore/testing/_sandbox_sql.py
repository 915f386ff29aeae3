"""
The books of the sandbox gateway in a SQLite file, where they outlive any process.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import frozen

from ordercore.ids import Key, OrderId, Reference, TenderId
from ordercore.money import Currency, Money
from ordercore.payment.answers import DeclineKind
from ordercore.payment.model import DisputeStatus, Operation, TenderKind
from ordercore.testing._sandbox_books import Ask, Books, Entry, Planned
from ordercore.testing._sandbox_file import (
    Connection,
    Row,
    SandboxFile,
    from_micros,
    instant_or_none,
    micros,
    micros_or_none,
)
from ordercore.testing._sandbox_schema import SCHEMA

__all__ = ["SqlBooks", "SqlFile"]

OPERATION: Final = (
    "key, body, order_id, operation, tender, currency, asked, amount, target, reference, at,"
    " known_at, by_payer, fails_at, expires_at, kind, code, retry_after_s"
)


@frozen
class SqlBooks(Books):
    """The tables, inside one transaction."""

    connection: Connection

    def find(self, key: Key) -> Entry | None:
        return self._one("key = ?", key)

    def called(self, reference: Reference | None, operation: Operation) -> Entry | None:
        return self._one("reference = ? AND operation = ?", reference, operation.value)

    def entries(self, order: OrderId | None = None) -> tuple[Entry, ...]:
        if order is None:
            return self._all("1 = 1")
        return self._all("order_id = ?", order)

    def aimed_at(self, reference: Reference) -> tuple[Entry, ...]:
        return self._all("target = ?", reference)

    def about(self, reference: Reference) -> tuple[Entry, ...]:
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
        marks = ", ".join("?" * OPERATION.count(",")) + ", ?"
        self.connection.execute(
            f"INSERT INTO pay_operations ({OPERATION}) VALUES ({marks})",  # noqa: S608 - a constant, and marks
            _columns(entry),
        )

    def undo(self, key: Key, *, fails_at: datetime | None, expires_at: datetime | None) -> None:
        self.connection.execute(
            "UPDATE pay_operations SET fails_at = ?, expires_at = ? WHERE key = ?",
            (micros_or_none(fails_at), micros_or_none(expires_at), key),
        )

    def overturn(self, key: Key, *, known_at: datetime, expires_at: datetime) -> None:
        self.connection.execute(
            "UPDATE pay_operations SET known_at = ?, expires_at = ?, kind = NULL, code = '',"
            " retry_after_s = NULL WHERE key = ?",
            (micros(known_at), micros(expires_at), key),
        )

    def disputed(self, capture: Reference) -> int:
        row = self.connection.execute(
            "SELECT coalesce(sum(amount), 0) FROM pay_disputes"
            " WHERE capture = ? AND status <> 'won'",
            (capture,),
        ).fetchone()
        return int(row[0])

    def dispute(
        self, reference: Reference, *, capture: Reference, amount: Money, status: DisputeStatus
    ) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO pay_disputes (reference, capture, amount, status)"
            " VALUES (?, ?, ?, ?)",
            (reference, capture, amount.minor, status.value),
        )

    # --- calls ----------------------------------------------------------------------------------

    def log(self, key: Key, what: str, now: datetime, *, wrong: str = "") -> int:
        before = self.logged(key, what)
        self.connection.execute(
            "INSERT INTO pay_calls (key, what, at, wrong) VALUES (?, ?, ?, ?)",
            (key, what, micros(now), wrong),
        )
        return before

    def logged(self, key: Key, what: str) -> int:
        row = self.connection.execute(
            "SELECT count(*) FROM pay_calls WHERE key = ? AND what = ?", (key, what)
        ).fetchone()
        return int(row[0])

    def wrong_calls(self) -> tuple[tuple[Key, str], ...]:
        rows: list[Row] = self.connection.execute(
            "SELECT key, wrong FROM pay_calls WHERE wrong <> '' ORDER BY seq"
        ).fetchall()
        return tuple((Key(key), str(wrong)) for key, wrong in rows)

    def delay(self, ask: Ask, arrives_at: datetime) -> None:
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
        rows: list[Row] = self.connection.execute(
            "DELETE FROM pay_late WHERE arrives_at <= ? RETURNING arrives_at, seq, key, body,"
            " order_id, operation, tender, tender_kind, currency, asked, target, not_after",
            (micros(now),),
        ).fetchall()
        return tuple((_ask(row[2:]), from_micros(row[0])) for row in sorted(rows))

    # --- webhooks -------------------------------------------------------------------------------

    def plan(self, planned: Planned) -> None:
        self.connection.execute(
            "INSERT INTO pay_webhooks"
            " (due_at, about, key, named, happened_at, dispute, status, amount)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                micros(planned.due_at),
                planned.about,
                planned.key,
                int(planned.named),
                micros(planned.happened_at),
                planned.dispute,
                planned.status,
                planned.amount,
            ),
        )

    def planned(self, now: datetime, limit: int) -> tuple[tuple[int, Planned], ...]:
        rows: list[Row] = self.connection.execute(
            "SELECT seq, due_at, about, key, named, happened_at, dispute, status, amount"
            " FROM pay_webhooks WHERE is_sent = 0 AND due_at <= ? ORDER BY due_at, seq LIMIT ?",
            (micros(now), limit),
        ).fetchall()
        return tuple((int(row[0]), _planned(row[1:])) for row in rows)

    def sent(self, number: int) -> None:
        self.connection.execute("UPDATE pay_webhooks SET is_sent = 1 WHERE seq = ?", (number,))


class SqlFile:
    """The file with the tables of the gateway."""

    def __init__(self, path: str | Path) -> None:
        self._file = SandboxFile(path, SCHEMA)

    @contextmanager
    def work(self) -> Generator[Books]:
        """The books, in one transaction."""
        with self._file.work() as connection:
            yield SqlBooks(connection)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


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


def _planned(row: Row) -> Planned:
    due_at, about, key, named, happened_at, dispute, status, amount = row
    return Planned(
        due_at=from_micros(due_at),
        about=about,
        key=Key(key),
        named=bool(named),
        happened_at=from_micros(happened_at),
        dispute=dispute,
        status=status,
        amount=amount,
    )
