"""
Accounting: the journal as rows for somebody else's books, and as CSV.

Debits and credits stand in columns of their own, so no amount begins with a minus. A cell of text
that a spreadsheet would take for a formula gets an apostrophe in front: an order's name such as
``=HYPERLINK(…)`` stays a name (ABUSE 58).
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from attrs import define, frozen

from ordercore.errors import NotFoundError
from ordercore.journal.model import Account, Entry
from ordercore.money import Money

__all__ = ["COLUMNS", "AccountNotMappedError", "LedgerRow", "escaped", "ledger_rows", "to_csv"]

COLUMNS: Final = (
    "entry", "at", "reason", "subject", "account", "debit", "credit", "currency",
)  # fmt: skip
FORMULA: Final = frozenset("=+-@")


@define
class AccountNotMappedError(NotFoundError):
    """The host's chart has no number for an account."""

    sentence = "The chart of accounts has no entry for {account}; add one for it or for its kind."
    account: str


@frozen(kw_only=True)
class LedgerRow:
    """One row of the journal in the host's accounts; *entry* numbers its entry from 1."""

    entry: int
    at: datetime
    reason: str
    subject: str
    account: str
    debit: Money
    credit: Money


def ledger_rows(
    entries: Iterable[Entry], *, chart: Mapping[str, str] | None = None
) -> Iterator[LedgerRow]:
    """
    The rows of balanced entries, in their order.

    Args:
        entries: What `ordercore.journal` made of an order's facts.
        chart: The host's own account by ours, written ``tax:DE`` for one account or ``tax`` for
            all of a kind; without a chart our names stand there.

    Raises:
        AccountNotMappedError: The chart lacks an account.

    Source:
        RULES D-4.
    """
    for number, entry in enumerate(entries, start=1):
        for row in entry.rows:
            zero = Money.zero(row.amount.currency)
            yield LedgerRow(
                entry=number,
                at=entry.at,
                reason=entry.reason,
                subject=entry.subject,
                account=_mapped(row.account, chart),
                debit=max(row.amount, zero),
                credit=max(-row.amount, zero),
            )


def to_csv(entries: Iterable[Entry], *, chart: Mapping[str, str] | None = None) -> str:
    """
    The rows as CSV with a header: every cell quoted, amounts in major units, times in UTC.

    Raises:
        AccountNotMappedError: The chart lacks an account.

    Source:
        RULES D-4; RFC 4180.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in ledger_rows(entries, chart=chart):
        writer.writerow(
            (
                row.entry,
                row.at.isoformat(),
                escaped(row.reason),
                escaped(row.subject),
                escaped(row.account),
                row.debit.text if row.debit else "",
                row.credit.text if row.credit else "",
                row.debit.currency.code,
            )
        )
    return out.getvalue()


def escaped(text: str) -> str:
    """
    The text of one cell: on one line, and never a formula.

    >>> escaped("=HYPERLINK(1)"), escaped("order-7"), escaped("a\\tb")
    ("'=HYPERLINK(1)", 'order-7', 'a b')
    """
    shown = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    first = unicodedata.normalize("NFKC", shown.strip())[:1]
    return f"'{shown}" if first in FORMULA else shown


def _mapped(account: Account, chart: Mapping[str, str] | None) -> str:
    if chart is None:
        return str(account)
    number = chart.get(str(account)) or chart.get(account.kind.value)
    if number is None:
        raise AccountNotMappedError(str(account))
    return number
