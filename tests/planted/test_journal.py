"""
Wrong ways to keep books, each of which a law must notice.

All of these balance, or nearly: the money stands in the wrong account, or on the wrong side.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.invoice.events import DocumentIssued
from ordercore.invoice.model import DocumentKind
from ordercore.journal.entries import entries
from ordercore.journal.model import Account, AccountKind, Entry, EntryRow
from ordercore.journal.payout import Payout, payout_entry
from ordercore.order.model import Order
from ordercore.payment.events import (
    DisputeReported,
    OperationFailed,
    RefundRecorded,
)
from tests.laws.test_journal import (
    Entries,
    Pay,
    law_of_payouts,
    law_of_the_books,
    payouts,
    stories,
)
from tests.planted.test_money import is_caught

Found = tuple[Entry, ...]


def with_rows(found: Found, change: Callable[[EntryRow], EntryRow]) -> Found:
    return tuple(changed(entry, rows=tuple(change(row) for row in entry.rows)) for entry in found)


def moved(kind: AccountKind, to: Account) -> Entries:
    """Books in which one kind of account is taken for another."""

    def wrong(before: Order | None, event: Event, after: Order) -> Found:
        def change(row: EntryRow) -> EntryRow:
            return changed(row, account=to) if row.account.kind is kind else row

        return with_rows(entries(before, event, after), change)

    return wrong


def skipped(kind: type[Event]) -> Entries:
    """Books that do not know one kind of fact."""

    def wrong(before: Order | None, event: Event, after: Order) -> Found:
        return () if isinstance(event, kind) else entries(before, event, after)

    return wrong


def credit_notes_are_invoices(before: Order | None, event: Event, after: Order) -> Found:
    found = entries(before, event, after)
    if isinstance(event, DocumentIssued) and event.document.kind is DocumentKind.CREDIT_NOTE:
        return with_rows(found, lambda row: changed(row, amount=-row.amount))
    return found


def each_entry_twice(before: Order | None, event: Event, after: Order) -> Found:
    return entries(before, event, after) * 2


def debits_are_credits(before: Order | None, event: Event, after: Order) -> Found:
    found = entries(before, event, after)
    return with_rows(found, lambda row: changed(row, amount=-row.amount))


def a_row_is_lost(before: Order | None, event: Event, after: Order) -> Found:
    return tuple(changed(entry, rows=entry.rows[1:]) for entry in entries(before, event, after))


@pytest.mark.parametrize(
    "wrong",
    [
        moved(AccountKind.STORED_VALUE, Account(AccountKind.CLEARING, "acme")),
        moved(AccountKind.TAX, Account(AccountKind.SALES)),
        moved(AccountKind.RECEIVABLE, Account(AccountKind.DEPOSITS)),
        moved(AccountKind.DISPUTES, Account(AccountKind.CLEARING, "acme")),
        moved(AccountKind.REFUNDS_PAYABLE, Account(AccountKind.RECEIVABLE)),
        skipped(OperationFailed),
        skipped(RefundRecorded),
        skipped(DisputeReported),
        credit_notes_are_invoices,
        each_entry_twice,
        debits_are_credits,
        a_row_is_lost,
    ],
)
def test_wrong_books_are_caught(wrong: Entries) -> None:
    """Money in the wrong account breaks the law of the books."""
    assert is_caught(partial(law_of_the_books, entries=wrong), stories)


def fees_are_forgotten(payout: Payout) -> Found:
    return payout_entry(changed(payout, gross=payout.net, fees=payout.fees - payout.fees))


def net_clears(payout: Payout) -> Found:
    return tuple(changed(entry, rows=()) for entry in payout_entry(payout))


@pytest.mark.parametrize("wrong", [fees_are_forgotten, net_clears])
def test_a_wrong_payout_is_caught(wrong: Pay) -> None:
    """A clearing account that is not empty breaks the law of payouts."""
    assert is_caught(partial(law_of_payouts, pay=wrong), payouts)
