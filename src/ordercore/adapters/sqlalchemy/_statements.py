"""
The statements of a store, built once; every bound is a condition of the statement that changes it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Executable,
    Table,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from ordercore.adapters._values import COMMIT, COUNTERS, LEDGER, RESERVATION, SUMMARY
from ordercore.adapters.sqlalchemy.tables import Tables

__all__ = ["Statements", "names_of"]

FIGURES: Final = ("on_hand", "reserved", "queued", "unavailable", "incoming")


def names_of(columns: str) -> tuple[str, ...]:
    """The names in a list of columns."""
    return tuple(name.strip() for name in columns.split(","))


def _columns(table: Table, columns: str) -> list[Column[object]]:
    return [table.c[name] for name in names_of(columns)]


def _int(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=BigInteger)


def _flag(name: str) -> ColumnElement[bool]:
    return bindparam(name, type_=Boolean)


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text)


class Statements:
    """All that a store says to its database."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._commits(tables.commits, tables.outbox)
        self._streams(tables.streams, tables.schedule, tables.snapshots)
        self._people(tables.claims, tables.parties, tables.series)
        self._stock(tables.stock)
        self._reservations(tables.reservations)
        self._ledger(tables.ledger)

    def _commits(self, commits: Table, outbox: Table) -> None:
        row, seq = _columns(commits, COMMIT), commits.c.seq
        by_id = commits.c.commit_id == _text("commit")
        by_key = and_(commits.c.key == _text("key"), commits.c.ordinal == 0)
        self.is_known = select(exists().where(or_(by_id, by_key)))
        self.commit_of_key = select(commits.c.commit_id).where(by_key)
        self.by_commit = select(*row).where(by_id).order_by(seq)
        self.history = (
            select(*row, seq)
            .where(commits.c.stream == _text("stream"), seq > _int("after"))
            .order_by(seq)
            .limit(_int("limit"))
        )
        self.tail = (
            select(commits.c.version, commits.c.count, commits.c.events)
            .where(
                commits.c.stream == _text("stream"),
                commits.c.version > _int("after"),
                commits.c.version <= _int("upto"),
                commits.c.count > 0,
            )
            .order_by(commits.c.version, seq)
        )
        self.add_commit = insert(commits).returning(seq)
        self.add_outbox = insert(outbox)
        earlier = outbox.alias()
        is_first = not_(
            exists().where(earlier.c.stream == outbox.c.stream, earlier.c.seq < outbox.c.seq)
        )
        first = select(outbox.c.seq).where(is_first).order_by(outbox.c.seq).limit(_int("limit"))
        self.unpublished = select(*row).where(seq.in_(first)).order_by(seq)
        mine = select(seq).where(by_id, commits.c.stream == _text("stream"))
        self.published = delete(outbox).where(outbox.c.seq.in_(mine))

    def _streams(self, streams: Table, schedule: Table, snapshots: Table) -> None:
        this = streams.c.stream == _text("of")
        head = select(streams.c.kind, streams.c.version, streams.c.recorded_at).where(this)
        self.head = head.with_for_update()
        self.whole_head = select(
            streams.c.kind,
            streams.c.version,
            streams.c.requested,
            schedule.c.wakes,
            schedule.c.due_at,
            streams.c.recorded_at,
            schedule.c.attempts,
            schedule.c.last_error,
        ).where(this, schedule.c.stream == streams.c.stream)
        self.add_stream = insert(streams)
        self.set_version = (
            update(streams)
            .where(this)
            .values(
                version=_int("to"),
                requested=func.greatest(streams.c.requested, _int("requested")),
                recorded_at=_int("at"),
            )
        )
        self.set_summary = (
            update(streams)
            .where(this)
            .values({name: bindparam(f"new_{name}") for name in names_of(SUMMARY)})
        )
        self._lists(streams)
        self._schedule(schedule)
        self._snapshots(snapshots)

    def _snapshots(self, snapshots: Table) -> None:
        self.snapshot = select(snapshots.c.version, snapshots.c.state).where(
            snapshots.c.stream == _text("of")
        )
        new = upsert(snapshots)
        self.put_snapshot = new.on_conflict_do_update(
            index_elements=["stream"],
            set_={"version": new.excluded.version, "state": new.excluded.state},
        )

    def _lists(self, streams: Table) -> None:
        self.streams = (
            select(streams.c.stream)
            .where(streams.c.kind == _text("kind"), streams.c.stream > _text("after"))
            .order_by(streams.c.stream)
            .limit(_int("limit"))
        )
        listed = select(*_columns(streams, SUMMARY), streams.c.stream).where(
            streams.c.stream > _text("after")
        )
        page = listed.order_by(streams.c.stream).limit(_int("limit"))
        self.summaries = page.where(streams.c.status.is_not(None))
        self.summaries_of = page.where(streams.c.status == _text("status"))

    def _schedule(self, schedule: Table) -> None:
        this = schedule.c.stream == _text("of")
        is_quiet = and_(schedule.c.wakes == _int("seen"), _int("woken") == 0)
        due_at, now = schedule.c.due_at, _int("now")
        self.add_schedule = insert(schedule)
        self.set_schedule = (
            update(schedule)
            .where(this)
            .values(
                version=_int("to"),
                due_at=case((is_quiet, _int("due")), else_=now),
                wakes=schedule.c.wakes + _int("woken"),
            )
        )
        self.wake = update(schedule).where(this).values(wakes=schedule.c.wakes + 1, due_at=now)
        self.due = (
            select(schedule.c.stream)
            .where(due_at <= now)
            .order_by(due_at, schedule.c.stream)
            .limit(_int("limit"))
            .with_for_update(skip_locked=True)
        )
        self.lease = update(schedule).where(this).values(due_at=_int("due"))
        is_same = and_(this, schedule.c.version == _int("at"), schedule.c.wakes == _int("seen"))
        self.rest = select(due_at, schedule.c.attempts).where(is_same)
        self.sleep = (
            update(schedule).where(is_same).values(due_at=_int("due"), attempts=0, last_error="")
        )
        self.attempts = select(schedule.c.attempts).where(this).with_for_update()
        self.failed = (
            update(schedule)
            .where(this)
            .values(attempts=_int("count"), last_error=_text("error"), due_at=_int("due"))
        )
        self.failing = (
            select(schedule.c.stream, schedule.c.attempts, schedule.c.last_error, due_at)
            .where(schedule.c.attempts > 0, schedule.c.stream > _text("after"))
            .order_by(schedule.c.stream)
            .limit(_int("limit"))
        )

    def _people(self, claims: Table, parties: Table, series: Table) -> None:
        self.claim = upsert(claims).on_conflict_do_nothing()
        self.claimed = select(claims.c.owner).where(
            claims.c.scope == _text("in"), claims.c.value == _text("what")
        )
        this = and_(parties.c.party == _text("who"), parties.c.version == _int("number"))
        self.party = select(parties.c.data).where(this)
        self.add_party = upsert(parties).on_conflict_do_nothing().returning(parties.c.party)
        self.erase = update(parties).where(parties.c.party == _text("who")).values(data=None)
        new = upsert(series)
        self.take_numbers = new.on_conflict_do_update(
            index_elements=["series"], set_={"last": series.c.last + new.excluded.last}
        ).returning(series.c.last)

    def _stock(self, stock: Table) -> None:
        place = and_(stock.c.item == _text("at_item"), stock.c.location == _text("at_location"))
        after = {name: stock.c[name] + _int(f"by_{name}") for name in FIGURES}
        counted = func.coalesce(_int("counted"), stock.c.on_hand)
        after["on_hand"] = counted + _int("by_on_hand")
        left = (
            after["on_hand"]
            - after["reserved"]
            - after["unavailable"]
            - stock.c.safety_stock
            - (after["queued"] - _int("waiting"))
        )
        limit = stock.c.backorder_limit
        may_queue = and_(left <= 0, or_(limit.is_(None), after["queued"] <= limit))
        keeps_promises = and_(
            or_(not_(_flag("promises")), left >= 0), or_(not_(_flag("queues")), may_queue)
        )
        row = _columns(stock, COUNTERS)
        self.move: Executable = (
            update(stock)
            .where(place, *(after[name] >= 0 for name in FIGURES if name != "on_hand"))
            .where(or_(not_(stock.c.tracked), keeps_promises))
            .values(after)
            .returning(*row)
        )
        self.open_place = upsert(stock).on_conflict_do_nothing().returning(stock.c.item)
        self.set_policy: Executable = (
            update(stock)
            .where(place)
            .values(
                safety_stock=_int("kept"),
                backorder_limit=_int("most"),
                tracked=_flag("is_tracked"),
                allotment=_flag("is_allotment"),
            )
            .returning(*row)
        )
        self.counters = select(*row).where(place)
        self._all_stock(stock)

    def _all_stock(self, stock: Table) -> None:
        row = _columns(stock, COUNTERS)
        self.counters_of = (
            select(*row, stock.c.item, stock.c.location)
            .where(stock.c.item.in_(bindparam("items", expanding=True, type_=Text)))
            .order_by(stock.c.item, stock.c.location)
        )
        self.all_counters = select(*row, stock.c.item, stock.c.location).order_by(
            stock.c.item, stock.c.location
        )
        self.locations = select(stock.c.location).distinct().order_by(stock.c.location)

    def _reservations(self, table: Table) -> None:
        row = _columns(table, RESERVATION)
        place = and_(table.c.item == _text("at_item"), table.c.location == _text("at_location"))
        this = and_(table.c.owner == _text("by"), table.c.line == _text("for_line"), place)
        self.reservation = select(*row).where(this)
        self.put_reservation = (
            update(table).where(this).values(reserved=_int("held"), queued=_int("awaited"))
        )
        self.drop_reservation = delete(table).where(this)
        other = table.alias()
        behind = select(func.coalesce(func.max(other.c.position), 0) + 1).where(
            other.c.item == _text("at_item"), other.c.location == _text("at_location")
        )
        new = upsert(table).values(position=behind.scalar_subquery())
        self.add_reservation = new.on_conflict_do_update(
            index_elements=["owner", "line", "item", "location"],
            set_={
                "reserved": table.c.reserved + new.excluded.reserved,
                "queued": table.c.queued + new.excluded.queued,
            },
        )
        position = table.c.position
        self.queue = select(*row).where(place, table.c.queued > 0).order_by(position)
        self.holders = select(*row).where(place, table.c.reserved > 0).order_by(position.desc())
        self.allocations = (
            select(*row)
            .where(table.c.owner == _text("by"))
            .order_by(table.c.line, table.c.location, table.c.item)
        )

    def _ledger(self, ledger: Table) -> None:
        self.add_to_ledger = insert(ledger)
        self.ledger = select(*_columns(ledger, LEDGER)).order_by(
            ledger.c.item, ledger.c.location, ledger.c.seq
        )
