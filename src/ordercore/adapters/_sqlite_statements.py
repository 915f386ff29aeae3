"""
The statements of one SQLite transaction; every bound is a condition of the one that changes it.

What is put together here are constants of this package and marks: no value is ever in a text.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from ordercore.adapters._values import COMMIT, COUNTERS, RESERVATION, SUMMARY

__all__ = [
    "ADD_COMMIT",
    "ADD_LEDGER",
    "ADD_RESERVATION",
    "CHANGE_STREAM",
    "DROP_RESERVATION",
    "FIND_KEY",
    "IS_KNOWN",
    "MOVE",
    "NEW_PLACE",
    "NEW_STREAM",
    "PUT_RESERVATION",
    "READ_COUNTERS",
    "READ_RESERVATION",
    "RESTLESS",
    "SET_POLICY",
    "SET_SUMMARY",
    "TAKE_NUMBERS",
    "restless",
]

FIND_KEY: Final = "SELECT commit_id FROM oc_commits WHERE key = ? AND ordinal = 0"

IS_KNOWN: Final = """
    SELECT
        EXISTS (
            SELECT 1 FROM oc_commits WHERE commit_id = ?1
            UNION ALL SELECT 1 FROM oc_commits WHERE key = ?2 AND ordinal = 0
        ),
        (SELECT coalesce(max(seq), 0) + 1 FROM oc_commits)"""

AFTER: Final = {
    "on_hand": "coalesce(?3, on_hand) + ?4",
    "reserved": "reserved + ?5",
    "queued": "queued + ?6",
    "unavailable": "unavailable + ?7",
    "incoming": "incoming + ?8",
}
"""Each figure after a change; the values stand in the order of ``_delta_values``."""

LEFT: Final = (
    f"{AFTER['on_hand']} - ({AFTER['reserved']}) - ({AFTER['unavailable']}) - safety_stock"
    f" - ({AFTER['queued']} - ?11)"
)
"""What is free after the change for those who ask now (`moves.broken_bound`)."""

MOVE: Final = f"""
    UPDATE oc_stock SET {", ".join(f"{name} = {after}" for name, after in AFTER.items())}
    WHERE item = ?1 AND location = ?2
        AND {" AND ".join(f"{AFTER[name]} >= 0" for name in list(AFTER)[1:])}
        AND (NOT tracked OR (
            (NOT ?9 OR {LEFT} >= 0)
            AND (NOT ?10 OR (
                {LEFT} <= 0
                AND (backorder_limit IS NULL OR {AFTER["queued"]} <= backorder_limit)
            ))
        ))"""  # noqa: S608 - constants of this package

NEW_PLACE: Final = f"""
    INSERT OR IGNORE INTO oc_stock (item, location, {COUNTERS})
    VALUES (?, ?, 0, 0, 0, 0, 0, ?, ?, ?, ?)"""  # noqa: S608 - constants of this package

READ_COUNTERS: Final = f"""
    SELECT {COUNTERS} FROM oc_stock WHERE item = ? AND location = ?"""  # noqa: S608 - constants of this package

RESTLESS: Final = f"""
    SELECT item, location, {COUNTERS} FROM given CROSS JOIN oc_stock
    WHERE item = column1 AND location = column2 AND (
        tracked AND NOT allotment AND reserved > 0 AND reserved + unavailable > on_hand
        OR queued > 0 AND (NOT tracked OR on_hand - reserved - unavailable > safety_stock)
    )
    ORDER BY item, location"""  # noqa: S608 - constants of this package

SET_POLICY: Final = """
    UPDATE oc_stock SET safety_stock = ?, backorder_limit = ?, tracked = ?, allotment = ?
    WHERE item = ? AND location = ?"""

READ_RESERVATION: Final = f"""
    SELECT {RESERVATION} FROM oc_reservations
    WHERE owner = ? AND line = ? AND item = ? AND location = ?"""  # noqa: S608 - constants of this package

ADD_RESERVATION: Final = """
    INSERT INTO oc_reservations (
        owner, line, item, location, reserved, queued, partial, position
    ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (
        SELECT coalesce(max(position), 0) + 1 FROM oc_reservations
        WHERE item = ?3 AND location = ?4
    ))
    ON CONFLICT (owner, line, item, location) DO UPDATE
    SET reserved = reserved + excluded.reserved, queued = queued + excluded.queued"""

PUT_RESERVATION: Final = """
    UPDATE oc_reservations SET reserved = ?, queued = ?
    WHERE owner = ? AND line = ? AND item = ? AND location = ?"""

DROP_RESERVATION: Final = """
    DELETE FROM oc_reservations WHERE owner = ? AND line = ? AND item = ? AND location = ?"""

ADD_LEDGER: Final = """
    INSERT INTO oc_ledger (
        item, location, seq, ordinal, stream, version, cause_index, kind, quantity, owner, line,
        reason, partial, recorded_at
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

TAKE_NUMBERS: Final = """
    INSERT INTO oc_series (series, last) VALUES (?, ?)
    ON CONFLICT (series) DO UPDATE SET last = last + excluded.last
    RETURNING last"""

NEW_STREAM: Final = f"""
    INSERT INTO oc_streams (
        stream, kind, version, requested, wakes, due_at, recorded_at, attempts, last_error,
        {SUMMARY}
    ) VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""  # noqa: S608 - constants of this package

CHANGE_STREAM: Final = """
    UPDATE oc_streams SET
        version = ?, requested = MAX(requested, ?), recorded_at = ?,
        due_at = CASE WHEN wakes <> ? OR ? THEN ? ELSE ? END, wakes = wakes + ?
    WHERE stream = ?"""

SET_SUMMARY: Final = f"""
    UPDATE oc_streams SET ({SUMMARY}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE stream = ?
"""  # noqa: S608 - constants of this package

ADD_COMMIT: Final = f"""
    INSERT INTO oc_commits (seq, {COMMIT})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""  # noqa: S608 - constants of this package


@cache
def restless(count: int) -> str:
    """The statement for so many places."""
    return f"WITH given AS (VALUES {', '.join(['(?, ?)'] * count)}) {RESTLESS}"
