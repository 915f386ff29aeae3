"""
The tables of the sandbox gateway. Instants are whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

__all__ = ["SCHEMA"]

SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS pay_operations (
        seq INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        order_id TEXT NOT NULL,
        operation TEXT NOT NULL,
        tender TEXT NOT NULL,
        currency TEXT NOT NULL,
        asked INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        target TEXT,
        reference TEXT NOT NULL,
        at INTEGER NOT NULL,
        known_at INTEGER NOT NULL,
        by_payer INTEGER NOT NULL,
        fails_at INTEGER,
        expires_at INTEGER,
        kind TEXT,
        code TEXT NOT NULL,
        retry_after_s INTEGER
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS pay_operations_key ON pay_operations (key)",
    "CREATE INDEX IF NOT EXISTS pay_operations_target ON pay_operations (target)",
    "CREATE INDEX IF NOT EXISTS pay_operations_reference ON pay_operations (reference)",
    "CREATE INDEX IF NOT EXISTS pay_operations_order ON pay_operations (order_id)",
    """
    CREATE TABLE IF NOT EXISTS pay_calls (
        seq INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        what TEXT NOT NULL,
        at INTEGER NOT NULL,
        wrong TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS pay_calls_key ON pay_calls (key)",
    """
    CREATE TABLE IF NOT EXISTS pay_late (
        seq INTEGER PRIMARY KEY,
        arrives_at INTEGER NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        order_id TEXT NOT NULL,
        operation TEXT NOT NULL,
        tender TEXT NOT NULL,
        tender_kind TEXT NOT NULL,
        currency TEXT NOT NULL,
        asked INTEGER NOT NULL,
        target TEXT,
        not_after INTEGER NOT NULL
    ) STRICT""",
    """
    CREATE TABLE IF NOT EXISTS pay_disputes (
        reference TEXT PRIMARY KEY,
        capture TEXT NOT NULL,
        amount INTEGER NOT NULL,
        status TEXT NOT NULL
    ) STRICT""",
    """
    CREATE TABLE IF NOT EXISTS pay_webhooks (
        seq INTEGER PRIMARY KEY,
        due_at INTEGER NOT NULL,
        about TEXT NOT NULL,
        key TEXT NOT NULL,
        named INTEGER NOT NULL,
        happened_at INTEGER NOT NULL,
        dispute TEXT,
        status TEXT,
        amount INTEGER,
        is_sent INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """
    CREATE INDEX IF NOT EXISTS pay_webhooks_due ON pay_webhooks (due_at, seq) WHERE is_sent = 0""",
)
