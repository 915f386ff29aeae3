"""
Refunds: which lines and amounts, and whether the money that moved is what they sum to.

Two checks. Each refunded line is compared with its share of the order's line (price, discount
allocations and taxes, by RULES M-5), and the sum of lines and adjustments with the refund's own
transactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.codec.strict_json import Reader
from ordercore.ids import LineId
from ordercore.integrations.imports import Check, Discrepancy
from ordercore.integrations.people import plain
from ordercore.integrations.shopify._payload import currency_in, objects
from ordercore.integrations.shopify._transactions import (
    Transaction,
    TransactionKind,
    transaction_of,
)
from ordercore.money import Currency, Money, Rounding, round_ratio, sum_money

__all__ = ["RefundAdjustment", "RefundNotice", "RefundedLine", "Restock", "read_refunds"]


@unique
class Restock(StrEnum):
    """What became of the goods."""

    NOT_SENT = "not_sent"
    """They had not been sent, and are for sale again."""
    RETURNED = "returned"
    NOT_BACK = "not_back"
    UNKNOWN = "unknown"


RESTOCKS: Final = {
    "cancel": Restock.NOT_SENT,
    "return": Restock.RETURNED,
    "no_restock": Restock.NOT_BACK,
}
"""``legacy_restock`` does not say which of the first two it was."""


@frozen(kw_only=True)
class RefundedLine:
    """Units of a line that are given back: without tax, and their tax."""

    line: LineId
    quantity: int
    amount: Money
    tax: Money
    restock: Restock
    raw_restock: str


@frozen(kw_only=True)
class RefundAdjustment:
    """Something given back (positive) or kept (negative) that is no line, such as shipping."""

    kind: str
    amount: Money
    tax: Money
    reason: str


@frozen(kw_only=True)
class RefundNotice:
    """One refund as Shopify tells it; a calculated one has no id and has moved nothing."""

    id: str | None
    order: str | None
    at: datetime | None
    note: str
    lines: tuple[RefundedLine, ...]
    adjustments: tuple[RefundAdjustment, ...]
    transactions: tuple[Transaction, ...]
    discrepancies: tuple[Discrepancy, ...]

    @property
    def moved(self) -> tuple[Transaction, ...]:
        """The refunds that did succeed."""
        return tuple(
            transaction
            for transaction in self.transactions
            if transaction.moved and transaction.kind is TransactionKind.REFUND
        )


def read_refunds(raw: bytes | str, *, currency: Currency | None = None) -> tuple[RefundNotice, ...]:
    """
    The refunds of a response: ``{"refund": {…}}`` or ``{"refunds": […]}``.

    An order's own list is read too, from ``{"order": {"refunds": […]}}``.

    Args:
        currency: The shop's, where the payload does not say.

    Raises:
        PayloadError: A payload of another shape, or no currency at all.

    Source:
        RULES X-1; Shopify REST Admin API 2024-01, Refund.
    """
    return tuple(_notice(owner, currency) for owner in objects(raw, "refund", "refunds"))


def _notice(owner: Reader, currency: Currency | None) -> RefundNotice:
    stated = _currency(owner) or currency or owner.currency("currency")
    rows = owner.optional_items("refund_line_items")
    lines = tuple(_line(row, stated) for row in rows)
    adjustments = tuple(_adjustments(owner, stated))
    transactions = tuple(
        transaction_of(row, stated) for row in owner.optional_items("transactions")
    )
    return RefundNotice(
        id=owner.optional_identifier("id"),
        order=owner.optional_identifier("order_id"),
        at=owner.optional_instant("processed_at") or owner.optional_instant("created_at"),
        note=plain(owner.optional_text("note")),
        lines=lines,
        adjustments=adjustments,
        transactions=transactions,
        discrepancies=(
            *_line_checks(rows, lines, stated),
            *_money_check(owner, lines, adjustments, transactions),
        ),
    )


def _currency(owner: Reader) -> Currency | None:
    """The currency that the refund, or the first of its transactions or amounts, names."""
    found = owner.optional_currency("currency")
    both = owner.optional_reader("total_duties_set")
    bag = None if both is None else both.optional_reader("shop_money")
    if found is None and bag is not None:
        return currency_in(bag)
    for transaction in owner.optional_items("transactions") if found is None else ():
        return transaction.optional_currency("currency")
    return found


def _line(row: Reader, currency: Currency) -> RefundedLine:
    """A refunded line; old payloads state no amounts, then they are those of the order's line."""
    raw_restock = row.optional_text("restock_type", longest=100) or ""
    amount, tax = (
        row.optional_money("subtotal", currency),
        row.optional_money("total_tax", currency),
    )
    shares = _shares(row, currency)
    if shares is not None:
        amount = shares[0].likely if amount is None else amount
        tax = shares[1].likely if tax is None else tax
    return RefundedLine(
        line=LineId(row.identifier("line_item_id")),
        quantity=row.integer("quantity"),
        amount=row.money("subtotal", currency) if amount is None else amount,
        tax=row.money("total_tax", currency) if tax is None else tax,
        restock=RESTOCKS.get(raw_restock, Restock.UNKNOWN),
        raw_restock=raw_restock,
    )


@frozen
class _Share:
    """What units of a line are worth: the likely amount, and its bounds for any such units."""

    likely: Money
    lowest: Money
    highest: Money


def _share_of(totals: list[Money], of: int, units: int, currency: Currency) -> _Share:
    """Which units come back is not said: by RULES M-5 each part is its exact share, rounded."""

    def rounded(rounding: Rounding) -> Money:
        minors = [round_ratio(total.minor * units, of, rounding) for total in totals]
        return Money(sum(minors), currency)

    return _Share(rounded(Rounding.HALF_UP), rounded(Rounding.FLOOR), rounded(Rounding.CEIL))


def _shares(row: Reader, currency: Currency) -> tuple[_Share, _Share] | None:
    """What the refunded units were charged, and their taxes, by the order's own line."""
    line = row.optional_reader("line_item")
    if line is None:
        return None
    of, units = line.integer("quantity", least=1), row.integer("quantity")
    if units > of:
        raise row.error("quantity", f"the line has {of} only")
    off = [part.money("amount", currency) for part in line.optional_items("discount_allocations")]
    taxes = [part.money("price", currency) for part in line.optional_items("tax_lines")]
    charged = line.money("price", currency) * of - sum_money(off, currency)
    return _share_of([charged], of, units, currency), _share_of(taxes, of, units, currency)


def _adjustments(owner: Reader, currency: Currency) -> Iterator[RefundAdjustment]:
    """Adjustments are written as changes of the debt: what is given back is negative there."""
    for row in owner.optional_items("order_adjustments"):
        yield RefundAdjustment(
            kind=row.text("kind", longest=100),
            amount=-row.money("amount", currency),
            tax=-(row.optional_money("tax_amount", currency) or Money.zero(currency)),
            reason=plain(row.optional_text("reason")),
        )
    shipping = owner.optional_reader("shipping")
    if shipping is not None:
        yield RefundAdjustment(
            kind="shipping_refund",
            amount=shipping.money("amount", currency),
            tax=shipping.optional_money("tax", currency) or Money.zero(currency),
            reason="",
        )
    for name in ("total_duties_set", "total_additional_fees_set"):
        both = owner.optional_reader(name)
        amount = None if both is None else both.reader("shop_money").money("amount", currency)
        if amount:
            yield RefundAdjustment(kind=name, amount=amount, tax=Money.zero(currency), reason="")


def _line_checks(
    rows: tuple[Reader, ...], lines: tuple[RefundedLine, ...], currency: Currency
) -> Iterator[Discrepancy]:
    for row, line in zip(rows, lines, strict=True):
        shares = _shares(row, currency)
        if shares is None:
            continue
        pairs = (("subtotal", line.amount, shares[0]), ("total_tax", line.tax, shares[1]))
        for name, claimed, expected in pairs:
            if not expected.lowest <= claimed <= expected.highest:
                yield Discrepancy(
                    field=row.at(name),
                    check=Check.LINE,
                    claimed=claimed,
                    computed=expected.likely,
                )


def _money_check(
    owner: Reader,
    lines: tuple[RefundedLine, ...],
    adjustments: tuple[RefundAdjustment, ...],
    transactions: tuple[Transaction, ...],
) -> Iterator[Discrepancy]:
    """The refunds that are not failed, against what they are for; a proposal is capped."""
    wanted = [
        transaction
        for transaction in transactions
        if transaction.kind in {TransactionKind.REFUND, TransactionKind.SUGGESTED_REFUND}
    ]
    if not wanted:
        return
    currency = wanted[0].amount.currency
    parts = [amount for line in lines for amount in (line.amount, line.tax)]
    parts += [amount for extra in adjustments for amount in (extra.amount, extra.tax)]
    computed = sum_money(parts, currency)
    caps = [row.maximum_refundable for row in wanted if row.maximum_refundable is not None]
    if len(caps) == len(wanted):
        computed = min(computed, sum_money(caps, currency))
    claimed = sum_money([transaction.amount for transaction in wanted], currency)
    if claimed != computed:
        yield Discrepancy(
            field=owner.at("transactions"),
            check=Check.REFUNDED,
            claimed=claimed,
            computed=computed,
        )
