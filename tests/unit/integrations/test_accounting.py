"""The journal as rows and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercore.errors import NotFoundError
from ordercore.integrations.accounting import (
    COLUMNS,
    AccountNotMappedError,
    escaped,
    ledger_rows,
    to_csv,
)
from ordercore.journal.model import Account, AccountKind, Entry, EntryRow
from ordercore.money import EUR, JPY, Currency, Money

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def sale(subject: str = "order-7", currency: Currency = EUR, tax: str = "DE") -> Entry:
    """A sale of 100 with 19 tax."""
    return Entry(
        at=NOON,
        reason="invoice",
        subject=subject,
        rows=(
            EntryRow(Account(AccountKind.RECEIVABLE), Money(11900, currency)),
            EntryRow(Account(AccountKind.SALES), Money(-10000, currency)),
            EntryRow(Account(AccountKind.TAX, tax), Money(-1900, currency)),
        ),
    )


def cells(text: str) -> list[dict[str, str]]:
    """The rows of a CSV by their columns."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_debits_and_credits_stand_in_their_own_columns() -> None:
    """Amounts are in major units, without a sign, and each entry balances."""
    rows = cells(to_csv([sale(), sale("order-8", JPY)]))
    assert [*COLUMNS] == list(rows[0])
    assert [
        ("1", "receivable", "119.00", "", "EUR"),
        ("1", "sales", "", "100.00", "EUR"),
        ("1", "tax:DE", "", "19.00", "EUR"),
        ("2", "receivable", "11900", "", "JPY"),
        ("2", "sales", "", "10000", "JPY"),
        ("2", "tax:DE", "", "1900", "JPY"),
    ] == [
        (row["entry"], row["account"], row["debit"], row["credit"], row["currency"]) for row in rows
    ]
    assert "2026-07-01T12:00:00+00:00" == rows[0]["at"]


def test_every_entry_still_balances() -> None:
    """What the rows say sums to the same on both sides."""
    rows = list(ledger_rows([sale(), sale()]))
    for number in (1, 2):
        mine = [row for row in rows if row.entry == number]
        assert sum(row.debit.minor for row in mine) == sum(row.credit.minor for row in mine) > 0


def test_a_chart_names_the_hosts_accounts() -> None:
    """One account beats its kind; an account without a number is refused by name."""
    chart = {"receivable": "1400", "sales": "8400", "tax": "1770", "tax:DE": "1776"}
    rows = [*ledger_rows([sale(), sale(tax="FR")], chart=chart)]
    assert ["1400", "8400", "1776", "1400", "8400", "1770"] == [row.account for row in rows]
    with pytest.raises(AccountNotMappedError, match="tax:FR") as caught:
        list(ledger_rows([sale(tax="FR")], chart={"receivable": "1", "sales": "2", "tax:DE": "3"}))
    assert isinstance(caught.value, NotFoundError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order-7", "order-7"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("\r\n=1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\u200b=1", "' =1"),
        ("1=2", "1=2"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text: str, expected: str) -> None:
    """What a spreadsheet would compute is text, also behind blanks or in full width."""
    assert expected == escaped(text)


@given(st.text(max_size=20))
def test_whatever_a_subject_is_the_file_keeps_its_shape(subject: str) -> None:
    """Separators, quotes and line ends in a text do not move a cell, and none is a formula."""
    rows = cells(to_csv([sale(subject.encode("utf-8", "replace").decode())]))
    assert 3 == len(rows)
    assert {"EUR"} == {row["currency"] for row in rows}
    assert not rows[0]["subject"].lstrip().startswith(("=", "+", "-", "@"))
