"""
The sandbox carrier; `ordercore.testing.sandbox` is the door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from attrs import frozen

from ordercore.fulfilment.commands import ReportTracking
from ordercore.fulfilment.model import (
    Booked,
    BookingAnswer,
    BookingDeclined,
    BookingUnknown,
    ParcelStatus,
)
from ordercore.ids import Key, OrderId, ParcelId
from ordercore.ports.gateways import BookingRequest, CarrierGateway
from ordercore.testing._sandbox_chance import NO_FAULTS, Chance, Fate, Faults
from ordercore.testing._sandbox_errors import SandboxDownError, UnknownToSandboxError
from ordercore.testing._sandbox_file import (
    Connection,
    Row,
    SandboxFile,
    from_micros,
    instant_or_none,
    micros,
    micros_or_none,
)
from ordercore.testing._sandbox_webhooks import Delivery

__all__ = ["CarrierBooks", "CarrierEntry", "SandboxCarrier"]

SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS par_bookings (
        seq INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        body TEXT NOT NULL,
        order_id TEXT NOT NULL,
        parcel TEXT NOT NULL,
        tracking_number TEXT NOT NULL,
        declined TEXT NOT NULL,
        booked_at INTEGER NOT NULL,
        collected_at INTEGER
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS par_bookings_parcel ON par_bookings (order_id, parcel)",
    """
    CREATE TABLE IF NOT EXISTS par_calls (
        seq INTEGER PRIMARY KEY,
        key TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS par_calls_key ON par_calls (key)",
    """
    CREATE TABLE IF NOT EXISTS par_scans (
        seq INTEGER PRIMARY KEY,
        due_at INTEGER NOT NULL,
        key TEXT NOT NULL,
        status TEXT NOT NULL,
        happened_at INTEGER NOT NULL,
        is_sent INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS par_scans_due ON par_scans (due_at, seq) WHERE is_sent = 0",
)

HEAVIEST_G: Final = 31_500
"""What is heavier is declined."""
COLLECTED_AFTER: Final = timedelta(hours=2)
DELIVERED_AFTER: Final = timedelta(hours=26)
PAGE: Final = 1000

_SAVED: Final = (
    "SELECT * FROM par_bookings ORDER BY seq",
    "SELECT * FROM par_calls ORDER BY seq",
    "SELECT * FROM par_scans ORDER BY seq",
)
_RESTORED: Final = (
    ("DELETE FROM par_bookings", "INSERT INTO par_bookings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    ("DELETE FROM par_calls", "INSERT INTO par_calls VALUES (?, ?)"),
    ("DELETE FROM par_scans", "INSERT INTO par_scans VALUES (?, ?, ?, ?, ?, ?)"),
)
CarrierBooks: TypeAlias = tuple[tuple[Row, ...], ...]
"""The rows of each table."""

_S = ParcelStatus
_CODES: Final = {status: f"SBX-{number:02d}" for number, status in enumerate(ParcelStatus)}
_DELIVERS: Final = ((_S.IN_TRANSIT, 1), (_S.OUT_FOR_DELIVERY, 20), (_S.DELIVERED, 24))
_SECOND_TRY: Final = (
    (_S.IN_TRANSIT, 1),
    (_S.OUT_FOR_DELIVERY, 20),
    (_S.FAILED_ATTEMPT, 24),
    (_S.OUT_FOR_DELIVERY, 44),
    (_S.DELIVERED, 48),
)
_SENT_BACK: Final = (
    (_S.IN_TRANSIT, 1),
    (_S.OUT_FOR_DELIVERY, 20),
    (_S.FAILED_ATTEMPT, 24),
    (_S.RETURNING, 48),
    (_S.RETURNED, 72),
)
_LOST: Final = ((_S.IN_TRANSIT, 1), (_S.LOST, 240))


@frozen(kw_only=True)
class CarrierEntry:
    """What the carrier's own books say about one booking; declined where there is a reason."""

    key: Key
    order: OrderId
    parcel: ParcelId
    tracking_number: str
    declined: str
    booked_at: datetime
    collected_at: datetime | None


def _system_clock() -> datetime:
    return datetime.now(UTC)


class SandboxCarrier(CarrierGateway):
    """
    A carrier with its own books.

    Parcels over 31.5 kg are declined, and so is a key that comes with another body. What was booked
    is collected after ``collects_after``, or when `hand_over` says so, and scanned on its way:
    hours apart, told late, twice or out of order as the faults say. Its raw codes are ``SBX-00``
    and so on.

    Args:
        path: Its SQLite file, which may be the gateway's too; ``:memory:`` for one process.
        seed: What decides which bookings, parcels and scans go wrong.
        clock: Its clock; the machine's own by default.
        faults: How often they go wrong.
        collects_after: When it fetches what was booked; None: only when handed over.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        seed: int = 0,
        clock: Callable[[], datetime] | None = None,
        faults: Faults = NO_FAULTS,
        collects_after: timedelta | None = COLLECTED_AFTER,
    ) -> None:
        self._file = SandboxFile(path, SCHEMA)
        self._clock = clock or _system_clock
        self._chance = Chance(seed, faults)
        self._collects_after = collects_after
        self._next: Fate | None = None

    def book(self, request: BookingRequest) -> BookingAnswer:
        now = self._clock()
        with self._file.work() as connection:
            fate = self._fate(f"book {request.key}", _nth(connection, request.key))
            found = _find(connection, request.key)
            if found is None and fate not in {Fate.LOST_CALL, Fate.ERROR}:
                found = self._add(connection, request, self._arrival(request, fate, now))
        if found is not None and found[1] != _body(request):
            return BookingDeclined(reason="key_reused")
        if fate is Fate.ERROR:
            raise SandboxDownError
        if found is None or fate in {Fate.LOST_ANSWER, Fate.LATE_CALL}:
            return BookingUnknown(reason="timeout")
        entry = _entry(found)
        if entry.declined:
            return BookingDeclined(reason=entry.declined)
        return Booked(
            tracking_number=entry.tracking_number,
            label=f"sandbox:label:{entry.tracking_number}",
            expected_at=entry.booked_at + DELIVERED_AFTER,
        )

    def meet(self, fate: Fate) -> None:
        """Let the next call meet this fate, whatever chance says."""
        self._next = fate

    def _fate(self, key: str, nth: int) -> Fate:
        fate, self._next = self._next, None
        return fate or self._chance.fate(key, nth)

    def _arrival(self, request: BookingRequest, fate: Fate, now: datetime) -> datetime:
        """When a call is worked off: a late one stands in the books as of its arrival."""
        if fate is not Fate.LATE_CALL:
            return now
        return now + self._chance.within(self._chance.faults.longest_delay, request.key, "late")

    def _add(self, connection: Connection, request: BookingRequest, now: datetime) -> Row:
        declined = "too heavy" if request.parcel.weight_g > HEAVIEST_G else ""
        collected_at = None
        if not declined and self._collects_after is not None:
            collected_at = now + self._collects_after
        row = (
            request.key,
            _body(request),
            request.order,
            request.parcel.id,
            self._chance.name("SBX", request.key),
            declined,
            micros(now),
            micros_or_none(collected_at),
        )
        connection.execute(
            "INSERT INTO par_bookings (key, body, order_id, parcel, tracking_number, declined,"
            " booked_at, collected_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        if collected_at is not None:
            self._plan(connection, request.key, collected_at)
        return row

    def hand_over(self, order: OrderId, parcel: ParcelId, *, at: datetime | None = None) -> None:
        """
        Give a booked parcel to the carrier, at its clock's time by default.

        Raises:
            UnknownToSandboxError: It was not booked, or is on its way already.
        """
        now = self._clock() if at is None else at
        with self._file.work() as connection:
            rows: list[Row] = connection.execute(
                "UPDATE par_bookings SET collected_at = ? WHERE order_id = ? AND parcel = ?"
                " AND declined = '' AND (collected_at IS NULL OR collected_at > ?) RETURNING key",
                (micros(now), order, parcel, micros(now)),
            ).fetchall()
            if not rows:
                raise UnknownToSandboxError(parcel)
            for (key,) in rows:
                connection.execute("DELETE FROM par_scans WHERE key = ?", (key,))
                self._plan(connection, Key(key), now)

    def _plan(self, connection: Connection, key: Key, collected_at: datetime) -> None:
        for status, hours in self._way(key):
            jitter = self._chance.within(timedelta(minutes=59), key, f"scan {status} {hours}")
            at = collected_at + timedelta(hours=hours) + jitter
            for wait in self._chance.told(key, f"{status} {hours}"):
                connection.execute(
                    "INSERT INTO par_scans (due_at, key, status, happened_at) VALUES (?, ?, ?, ?)",
                    (micros(at + wait), key, status.value, micros(at)),
                )

    def _way(self, key: Key) -> tuple[tuple[ParcelStatus, int], ...]:
        faults = self._chance.faults
        if self._chance.happens(faults.lost_parcel, key, "lost parcel"):
            return _LOST
        if self._chance.happens(faults.sent_back, key, "sent back"):
            return _SENT_BACK
        if self._chance.happens(faults.failed_attempt, key, "failed attempt"):
            return _SECOND_TRY
        return _DELIVERS

    def tracking(self, now: datetime | None = None) -> Iterator[Delivery]:
        """
        What it wants to tell by *now*, its own clock's time by default.

        A message counts as delivered when the next one is asked for: a receiver that dies while it
        works on one gets it again.
        """
        until = self._clock() if now is None else now
        while rows := self._due(until):
            for seq, due_at, order, parcel, status, happened_at in rows:
                report = ReportTracking(
                    parcel=ParcelId(parcel),
                    status=ParcelStatus(status),
                    raw=_CODES[ParcelStatus(status)],
                    at=from_micros(happened_at),
                )
                name = self._chance.name("scan", f"{order} {parcel} {status} {happened_at}")
                yield Delivery(id=name, order=OrderId(order), at=from_micros(due_at), report=report)
                with self._file.work() as connection:
                    connection.execute("UPDATE par_scans SET is_sent = 1 WHERE seq = ?", (seq,))

    def _due(self, until: datetime) -> list[Row]:
        with self._file.work() as connection:
            return connection.execute(
                "SELECT scan.seq, due_at, order_id, parcel, status, happened_at"
                " FROM par_scans AS scan JOIN par_bookings USING (key)"
                " WHERE is_sent = 0 AND due_at <= ? ORDER BY due_at, scan.seq LIMIT ?",
                (micros(until), PAGE),
            ).fetchall()

    def ledger(self) -> tuple[CarrierEntry, ...]:
        """Every booking in its books, in the order in which they came; those under way too."""
        with self._file.work() as connection:
            rows: list[Row] = connection.execute(f"{_SELECT} ORDER BY seq").fetchall()
        return tuple(_entry(row) for row in rows)

    def save(self) -> CarrierBooks:
        """Its books as they stand, to go back to."""
        with self._file.work() as connection:
            return tuple(tuple(connection.execute(select).fetchall()) for select in _SAVED)

    def restore(self, books: CarrierBooks) -> None:
        """Go back to books that were saved."""
        self._next = None
        with self._file.work() as connection:
            for (delete, insert), rows in zip(_RESTORED, books, strict=True):
                connection.execute(delete)
                connection.executemany(insert, rows)

    def close(self) -> None:
        """Give its file back."""
        self._file.close()


_SELECT: Final = (
    "SELECT key, body, order_id, parcel, tracking_number, declined, booked_at, collected_at"
    " FROM par_bookings"
)


def _nth(connection: Connection, key: Key) -> int:
    """How often this key came before; writes down that it came again."""
    row = connection.execute("SELECT count(*) FROM par_calls WHERE key = ?", (key,)).fetchone()
    connection.execute("INSERT INTO par_calls (key) VALUES (?)", (key,))
    return int(row[0])


def _find(connection: Connection, key: Key) -> Row | None:
    rows: list[Row] = connection.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchall()
    return rows[0] if rows else None


def _body(request: BookingRequest) -> str:
    """A fingerprint of all that must not change on a resend."""
    parcel = request.parcel
    items = [(item.line, item.quantity) for item in parcel.items]
    body = (request.order, parcel.id, parcel.carrier, parcel.service, parcel.weight_g, items)
    return sha256(repr((body, request.destination, request.party)).encode()).hexdigest()


def _entry(row: Row) -> CarrierEntry:
    key, _, order, parcel, tracking_number, declined, booked_at, collected_at = row
    return CarrierEntry(
        key=Key(key),
        order=OrderId(order),
        parcel=ParcelId(parcel),
        tracking_number=tracking_number,
        declined=declined,
        booked_at=from_micros(booked_at),
        collected_at=instant_or_none(collected_at),
    )
