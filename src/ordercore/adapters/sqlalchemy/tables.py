"""
The tables, as a part of the host's own metadata, and whether a database has them.

Instants are whole microseconds since 1970 in UTC, facts are JSON text in ASCII, so that nothing
that was written is changed by a driver. When to look at a stream again stands in a table of its
own: a commit that wakes other streams never waits for the ones that are working on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import fields, frozen
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.engine.interfaces import (
    ReflectedColumn,
    ReflectedIndex,
    ReflectedPrimaryKeyConstraint,
)
from sqlalchemy.types import TypeEngine

from ordercore.adapters.errors import SchemaMismatchError

__all__ = ["Tables", "build_tables", "verify_tables"]

TEXT: Final = Text(collation="C")
"""Ids sort by their code points, as Python sorts them, whatever the locale of the database."""


@frozen(kw_only=True)
class Tables:
    """The tables of one store."""

    streams: Table
    schedule: Table
    commits: Table
    outbox: Table
    snapshots: Table
    claims: Table
    parties: Table
    series: Table
    stock: Table
    reservations: Table
    ledger: Table


def _key(name: str) -> Column[str]:
    return Column(name, TEXT, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, TEXT, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _maybe_text(name: str) -> Column[str]:
    return Column(name, TEXT)


def _maybe_count(name: str) -> Column[int]:
    return Column(name, BigInteger)


def build_tables(metadata: MetaData, prefix: str = "oc_") -> Tables:
    """
    Add the tables of a store to *metadata*, each name beginning with *prefix*.

    The host creates them (``metadata.create_all`` or its migrations); a store only verifies.
    """
    return Tables(
        streams=_streams(metadata, prefix),
        schedule=_schedule(metadata, prefix),
        snapshots=_snapshots(metadata, prefix),
        commits=_commits(metadata, prefix),
        outbox=_outbox(metadata, prefix),
        claims=_claims(metadata, prefix),
        parties=_parties(metadata, prefix),
        series=_series(metadata, prefix),
        stock=_stock(metadata, prefix),
        reservations=_reservations(metadata, prefix),
        ledger=_ledger(metadata, prefix),
    )


def _streams(metadata: MetaData, prefix: str) -> Table:
    streams = Table(
        f"{prefix}streams",
        metadata,
        _key("stream"),
        _text("kind"),
        _count("version"),
        _count("requested"),
        _count("recorded_at"),
        _maybe_text("status"),
        _maybe_text("payment"),
        _maybe_text("fulfilment"),
        _maybe_text("returned"),
        _maybe_text("currency"),
        _maybe_count("total_minor"),
        _maybe_count("placed_at"),
        _maybe_text("number"),
        _maybe_text("customer"),
        _maybe_text("external"),
    )
    has_status = streams.c.status.is_not(None)
    Index(
        f"{prefix}streams_status",
        streams.c.status,
        streams.c.stream,
        postgresql_where=has_status,
    )
    return streams


def _schedule(metadata: MetaData, prefix: str) -> Table:
    schedule = Table(
        f"{prefix}schedule",
        metadata,
        _key("stream"),
        _count("version"),
        _count("wakes"),
        _maybe_count("due_at"),
        _count("attempts"),
        _text("last_error"),
    )
    is_due = schedule.c.due_at.is_not(None)
    Index(f"{prefix}schedule_due", schedule.c.due_at, schedule.c.stream, postgresql_where=is_due)
    return schedule


def _snapshots(metadata: MetaData, prefix: str) -> Table:
    columns = (_key("stream"), _count("version"), _text("state"))
    return Table(f"{prefix}snapshots", metadata, *columns)


def _commits(metadata: MetaData, prefix: str) -> Table:
    commits = Table(
        f"{prefix}commits",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        _text("commit_id"),
        _text("stream"),
        _count("version"),
        _count("count"),
        Column("ordinal", Integer, nullable=False),
        _maybe_text("key"),
        _text("fingerprint"),
        _text("actor"),
        _text("reason"),
        _count("occurred_at"),
        _count("recorded_at"),
        _text("woken"),
        _text("events"),
    )
    Index(f"{prefix}commits_id", commits.c.commit_id, commits.c.stream, unique=True)
    Index(f"{prefix}commits_stream", commits.c.stream, commits.c.version)
    Index(
        f"{prefix}commits_key",
        commits.c.key,
        unique=True,
        postgresql_where=text("key IS NOT NULL AND ordinal = 0"),
    )
    return commits


def _outbox(metadata: MetaData, prefix: str) -> Table:
    outbox = Table(
        f"{prefix}outbox",
        metadata,
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        _text("stream"),
    )
    Index(f"{prefix}outbox_stream", outbox.c.stream, outbox.c.seq)
    return outbox


def _claims(metadata: MetaData, prefix: str) -> Table:
    return Table(f"{prefix}claims", metadata, _key("scope"), _key("value"), _text("owner"))


def _parties(metadata: MetaData, prefix: str) -> Table:
    version = Column("version", BigInteger, primary_key=True, autoincrement=False)
    return Table(f"{prefix}parties", metadata, _key("party"), version, _maybe_text("data"))


def _series(metadata: MetaData, prefix: str) -> Table:
    return Table(f"{prefix}series", metadata, _key("series"), _count("last"))


def _stock(metadata: MetaData, prefix: str) -> Table:
    figures = ("on_hand", "reserved", "queued", "unavailable", "incoming", "safety_stock")
    return Table(
        f"{prefix}stock",
        metadata,
        _key("item"),
        _key("location"),
        *(_count(name) for name in figures),
        _maybe_count("backorder_limit"),
        _flag("tracked"),
        _flag("allotment"),
    )


def _reservations(metadata: MetaData, prefix: str) -> Table:
    reservations = Table(
        f"{prefix}reservations",
        metadata,
        _key("owner"),
        _key("line"),
        _key("item"),
        _key("location"),
        _count("reserved"),
        _count("queued"),
        _count("position"),
        _flag("partial"),
    )
    place = (reservations.c.item, reservations.c.location, reservations.c.position)
    Index(f"{prefix}reservations_place", *place)
    return reservations


def _ledger(metadata: MetaData, prefix: str) -> Table:
    ledger = Table(
        f"{prefix}ledger",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        _text("item"),
        _text("location"),
        _text("stream"),
        _count("version"),
        _count("cause_index"),
        _text("kind"),
        _count("quantity"),
        _maybe_text("owner"),
        _maybe_text("line"),
        _text("reason"),
        _flag("partial"),
        _count("recorded_at"),
    )
    Index(f"{prefix}ledger_place", ledger.c.item, ledger.c.location, ledger.c.seq)
    cause = (ledger.c.stream, ledger.c.version, ledger.c.cause_index)
    Index(f"{prefix}ledger_cause", *cause, unique=True)
    return ledger


def verify_tables(connection: Connection, tables: Tables) -> None:
    """
    Check that the database has these tables, columns, keys and unique indexes.

    Raises:
        SchemaMismatchError: Something is missing or of another type.
    """
    look = inspect(connection)
    wanted: list[Table] = [getattr(tables, field.name) for field in fields(Tables)]
    schema, names = wanted[0].schema, [table.name for table in wanted]
    columns = look.get_multi_columns(schema=schema, filter_names=names)
    keys = look.get_multi_pk_constraint(schema=schema, filter_names=names)
    indexes = look.get_multi_indexes(schema=schema, filter_names=names)
    for table in wanted:
        name = table.schema, table.name
        if name not in columns:
            raise SchemaMismatchError(f"table {table.name} is missing")
        _verify_columns(table, columns[name])
        _verify_keys(table, keys.get(name), indexes.get(name, []))


def _verify_columns(table: Table, columns: Sequence[ReflectedColumn]) -> None:
    there = {column["name"]: column for column in columns}
    for column in table.columns:
        found = there.get(column.name)
        if found is None:
            raise SchemaMismatchError(f"{table.name} has no column {column.name}")
        if not _is_like(column.type, found["type"]) or found["nullable"] != column.nullable:
            raise SchemaMismatchError(f"{table.name}.{column.name} has another type")


def _verify_keys(
    table: Table,
    key: ReflectedPrimaryKeyConstraint | None,
    indexes: Sequence[ReflectedIndex],
) -> None:
    there = key["constrained_columns"] if key is not None else []
    if sorted(there) != sorted(column.name for column in table.primary_key):
        raise SchemaMismatchError(f"{table.name} has another primary key")
    unique = {index["name"] for index in indexes if index["unique"]}
    for index in table.indexes:
        if index.unique and index.name not in unique:
            raise SchemaMismatchError(f"unique index {index.name} is missing")


def _is_like(wanted: TypeEngine[object], found: TypeEngine[object]) -> bool:
    """Whether a column's type is the wanted one (an integer may be a wider one)."""
    if isinstance(wanted, Integer):
        return isinstance(found, BigInteger) or not isinstance(wanted, BigInteger)
    return isinstance(found, type(wanted))
