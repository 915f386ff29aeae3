"""
The tables of `SqliteStore`: made when a file is new, verified whenever it is opened.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Final

from ordercore.adapters.errors import SchemaMismatchError

__all__ = ["SCHEMA", "ensure_schema"]


SCHEMA: Final[Mapping[str, str]] = {
    "oc_streams": """
        CREATE TABLE oc_streams (
            stream TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            version INTEGER NOT NULL,
            requested INTEGER NOT NULL,
            wakes INTEGER NOT NULL,
            due_at INTEGER,
            recorded_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            last_error TEXT NOT NULL,
            status TEXT,
            payment TEXT,
            fulfilment TEXT,
            returned TEXT,
            currency TEXT,
            total_minor INTEGER,
            placed_at INTEGER,
            number TEXT,
            customer TEXT,
            external TEXT
        ) STRICT, WITHOUT ROWID""",
    "oc_streams_due": """
        CREATE INDEX oc_streams_due ON oc_streams (due_at, stream) WHERE due_at IS NOT NULL""",
    "oc_streams_status": """
        CREATE INDEX oc_streams_status ON oc_streams (status, stream) WHERE status IS NOT NULL""",
    "oc_commits": """
        CREATE TABLE oc_commits (
            seq INTEGER PRIMARY KEY,
            commit_id TEXT NOT NULL,
            stream TEXT NOT NULL,
            version INTEGER NOT NULL,
            count INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            key TEXT,
            fingerprint TEXT NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT NOT NULL,
            occurred_at INTEGER NOT NULL,
            recorded_at INTEGER NOT NULL,
            woken TEXT NOT NULL,
            events TEXT NOT NULL
        ) STRICT""",
    "oc_commits_id": """
        CREATE UNIQUE INDEX oc_commits_id ON oc_commits (commit_id, stream)""",
    "oc_commits_key": """
        CREATE UNIQUE INDEX oc_commits_key ON oc_commits (key)
        WHERE key IS NOT NULL AND ordinal = 0""",
    "oc_commits_stream": """
        CREATE INDEX oc_commits_stream ON oc_commits (stream, version)""",
    "oc_outbox": """
        CREATE TABLE oc_outbox (
            seq INTEGER PRIMARY KEY,
            stream TEXT NOT NULL
        ) STRICT""",
    "oc_outbox_stream": """
        CREATE INDEX oc_outbox_stream ON oc_outbox (stream, seq)""",
    "oc_snapshots": """
        CREATE TABLE oc_snapshots (
            stream TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            state TEXT NOT NULL
        ) STRICT""",
    "oc_claims": """
        CREATE TABLE oc_claims (
            scope TEXT NOT NULL,
            value TEXT NOT NULL,
            owner TEXT NOT NULL,
            PRIMARY KEY (scope, value)
        ) STRICT, WITHOUT ROWID""",
    "oc_parties": """
        CREATE TABLE oc_parties (
            party TEXT NOT NULL,
            version INTEGER NOT NULL,
            data TEXT,
            PRIMARY KEY (party, version)
        ) STRICT""",
    "oc_series": """
        CREATE TABLE oc_series (
            series TEXT PRIMARY KEY,
            last INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
    "oc_stock": """
        CREATE TABLE oc_stock (
            item TEXT NOT NULL,
            location TEXT NOT NULL,
            on_hand INTEGER NOT NULL,
            reserved INTEGER NOT NULL,
            queued INTEGER NOT NULL,
            unavailable INTEGER NOT NULL,
            incoming INTEGER NOT NULL,
            safety_stock INTEGER NOT NULL,
            backorder_limit INTEGER,
            tracked INTEGER NOT NULL,
            allotment INTEGER NOT NULL,
            PRIMARY KEY (item, location)
        ) STRICT, WITHOUT ROWID""",
    "oc_reservations": """
        CREATE TABLE oc_reservations (
            owner TEXT NOT NULL,
            line TEXT NOT NULL,
            item TEXT NOT NULL,
            location TEXT NOT NULL,
            reserved INTEGER NOT NULL,
            queued INTEGER NOT NULL,
            position INTEGER NOT NULL,
            partial INTEGER NOT NULL,
            PRIMARY KEY (owner, line, item, location)
        ) STRICT, WITHOUT ROWID""",
    "oc_reservations_place": """
        CREATE INDEX oc_reservations_place ON oc_reservations (item, location, position)""",
    "oc_ledger": """
        CREATE TABLE oc_ledger (
            item TEXT NOT NULL,
            location TEXT NOT NULL,
            seq INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            stream TEXT NOT NULL,
            version INTEGER NOT NULL,
            cause_index INTEGER NOT NULL,
            kind TEXT NOT NULL,
            quantity INTEGER NOT NULL,
            owner TEXT,
            line TEXT,
            reason TEXT NOT NULL,
            partial INTEGER NOT NULL,
            recorded_at INTEGER NOT NULL,
            PRIMARY KEY (item, location, seq, ordinal)
        ) STRICT, WITHOUT ROWID""",
    "oc_ledger_cause": """
        CREATE UNIQUE INDEX oc_ledger_cause ON oc_ledger (stream, version, cause_index)""",
}
"""Tables and indexes by name. Instants are whole microseconds since 1970 in UTC."""


def ensure_schema(connection: sqlite3.Connection) -> None:
    """
    Make all tables in a new database, or check that they are exactly these.

    Raises:
        SchemaMismatchError: A table or index is missing or looks different.
    """
    if not _stored(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not _stored(connection):
                for statement in SCHEMA.values():
                    connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    _verify(_stored(connection))


def _stored(connection: sqlite3.Connection) -> dict[str, str]:
    """What there is of ours, by name."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name LIKE 'oc\\_%' ESCAPE '\\' AND sql NOT NULL"
    )
    return {str(name): _plain(str(sql)) for name, sql in rows.fetchall()}


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()


def _verify(stored: Mapping[str, str]) -> None:
    for name, statement in SCHEMA.items():
        if name not in stored:
            raise SchemaMismatchError(f"{name} is missing")
        if stored[name] != _plain(statement):
            raise SchemaMismatchError(f"{name} looks different")
    for name in stored:
        if name not in SCHEMA:
            raise SchemaMismatchError(f"{name} is not known to this version")
