"""
Real invoices: read Online Retail II, price them, and find what each cancellation gives back.

The file is the sales book of a British gift shop, one row per line, and it is as real books are:
returns do not name their invoice, write-offs look like sales, postage is a product, a price may
be a tenth of a penny. Here each row ends somewhere by rule, and what cannot be known is said.

Run it to see what it finds in the slice beside it, or in the whole file::

    python examples/retail.py [FILE.csv or FILE.csv.xz]

Data: Online Retail II, Daqing Chen, UCI Machine Learning Repository, doi 10.24432/C5CG6D,
CC BY 4.0. The file names no time zone; its times are taken as UTC.
"""

from __future__ import annotations

import argparse
import csv
import lzma
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum, unique
from fractions import Fraction
from pathlib import Path
from typing import Final, TextIO

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.ids import ItemId, LineId, Sku
from ordercore.integrations import imports
from ordercore.money import GBP, Money, sum_money
from ordercore.pricing.model import Charge, ChargeKind, Draft, DraftLine, LineKind, UnitPrice
from ordercore.pricing.totals import price

__all__ = [
    "Invoice",
    "Kind",
    "Match",
    "Matching",
    "Reason",
    "Refusal",
    "RetailFileError",
    "Row",
    "Unmatched",
    "Why",
    "findings",
    "invoices",
    "match_cancellations",
    "read_rows",
    "to_draft",
    "unit_price",
]

SLICE: Final = Path(__file__).with_name("data") / "retail_slice.csv"
COLUMNS: Final = (
    "Invoice", "StockCode", "Description", "Quantity",
    "InvoiceDate", "Price", "Customer ID", "Country",
)  # fmt: skip


@define
class RetailFileError(InvalidValueError):
    """The file is not what it should be."""

    sentence = "Row {number} of the retail file cannot be read: {problem}."
    number: int
    problem: str


# --- rows ---------------------------------------------------------------------------------------


@unique
class Kind(StrEnum):
    """What a stock code stands for."""

    GOODS = "goods"
    VOUCHER = "voucher"
    """A gift voucher: a liability, no goods."""
    MANUAL = "manual"
    """Typed in at the till, or a sample that was charged: a service without stock."""
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    FEE = "fee"
    """Bank charges."""
    ADJUSTMENT = "adjustment"
    BAD_DEBT = "bad debt"
    TEST = "test"


CODES: Final = {
    "POST": Kind.SHIPPING,
    "DOT": Kind.SHIPPING,
    "C2": Kind.SHIPPING,
    "M": Kind.MANUAL,
    "S": Kind.MANUAL,
    "D": Kind.DISCOUNT,
    "BANK CHARGES": Kind.FEE,
    "ADJUST": Kind.ADJUSTMENT,
    "B": Kind.BAD_DEBT,
    "TEST001": Kind.TEST,
    "TEST002": Kind.TEST,
}
SOLD: Final = frozenset({Kind.GOODS, Kind.VOUCHER, Kind.MANUAL, Kind.SHIPPING})
"""What a customer buys, and can bring back or have taken off."""
LINES: Final = {
    Kind.GOODS: LineKind.GOODS,
    Kind.VOUCHER: LineKind.GIFT_CARD,
    Kind.MANUAL: LineKind.SERVICE,
}
CHARGES: Final = {
    Kind.SHIPPING: ChargeKind.SHIPPING,
    Kind.FEE: ChargeKind.FEE,
    Kind.DISCOUNT: ChargeKind.ADJUSTMENT,
    Kind.ADJUSTMENT: ChargeKind.ADJUSTMENT,
}


@frozen(kw_only=True)
class Row:
    """One row of the file; ``position`` counts the rows of its invoice from 1."""

    invoice: str
    position: int
    code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str | None
    country: str

    @property
    def id(self) -> LineId:
        """The row by name: ``489434:1``."""
        return LineId(f"{self.invoice}:{self.position}")

    @property
    def item(self) -> str:
        """The code in one spelling: the same goods are keyed as ``72349b`` and ``72349B``."""
        return self.code.upper()

    @property
    def kind(self) -> Kind:
        """What the code stands for."""
        voucher = self.item.startswith("GIFT")
        return CODES.get(self.item, Kind.VOUCHER if voucher else Kind.GOODS)

    @property
    def cancels(self) -> bool:
        """Whether the row stands on a cancellation (``C…``)."""
        return self.invoice.startswith("C")


def read_rows(path: Path) -> Iterator[Row]:
    """
    The rows of a ``.csv`` or ``.csv.xz`` file, in its order.

    Raises:
        RetailFileError: The columns or a field are not as they should be.
    """
    with closing(_opened(path)) as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise RetailFileError(0, "its columns are not those of Online Retail II")
        seen: Counter[str] = Counter()
        for number, fields in enumerate(reader, start=1):
            seen[fields["Invoice"]] += 1
            try:
                yield _row(fields, seen[fields["Invoice"]])
            except (ValueError, ArithmeticError, TypeError) as error:
                raise RetailFileError(number, f"{type(error).__name__} in a field") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _row(fields: dict[str, str], position: int) -> Row:
    price = Decimal(fields["Price"])
    if not price.is_finite() or abs(price.adjusted()) > 12:
        raise ValueError("price")
    return Row(
        invoice=fields["Invoice"],
        position=position,
        code=fields["StockCode"],
        description=fields["Description"].strip(),
        quantity=int(fields["Quantity"]),
        at=datetime.fromisoformat(fields["InvoiceDate"]).replace(tzinfo=UTC),
        price=price,
        customer=fields["Customer ID"] or None,
        country=fields["Country"],
    )


# --- invoices -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class Invoice:
    """All rows with one number; ``at`` and ``until`` differ where the till took two minutes."""

    number: str
    rows: tuple[Row, ...]
    at: datetime
    until: datetime

    @property
    def is_cancellation(self) -> bool:
        """Whether it gives something back."""
        return self.rows[0].cancels

    @property
    def repeated(self) -> int:
        """How many rows equal an earlier one in all but their place; each stays its own line."""
        return len(self.rows) - len({_content(row) for row in self.rows})


def _content(row: Row) -> tuple[object, ...]:
    return row.code, row.description, row.quantity, row.at, row.price


def invoices(rows: Iterable[Row]) -> tuple[Invoice, ...]:
    """
    The rows by invoice, in the order in which each begins; invoices of one minute interleave.

    Raises:
        RetailFileError: An invoice names two customers or two countries.
    """
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.invoice].append(row)
    return tuple(_invoice(number, group) for number, group in grouped.items())


def _invoice(number: str, rows: list[Row]) -> Invoice:
    if len({(row.customer, row.country) for row in rows}) > 1:
        raise RetailFileError(rows[0].position, "its invoice has two customers or countries")
    times = [row.at for row in rows]
    return Invoice(number=number, rows=tuple(rows), at=min(times), until=max(times))


# --- cancellations ------------------------------------------------------------------------------


@unique
class Why(StrEnum):
    """Why (a part of) a cancelled row matches no purchase."""

    GUEST = "the row names no customer"
    NOT_SOLD = "a discount, fee or adjustment: nothing that was bought"
    WRONG_SIGN = "a cancellation with a positive quantity"
    NOTHING_BOUGHT = "no earlier purchase of this item at this price: before the file begins"
    MORE_THAN_BOUGHT = "more than what is left of the purchases"


@frozen
class Match:
    """*quantity* units of a cancelled row that were bought with another."""

    cancelled: Row
    bought: Row
    quantity: int


@frozen
class Unmatched:
    """*quantity* units of a cancelled row that no purchase explains."""

    cancelled: Row
    quantity: int
    why: Why


@frozen
class Matching:
    """What every cancelled row came from."""

    matches: tuple[Match, ...]
    unmatched: tuple[Unmatched, ...]


@define
class _Purchase:
    row: Row
    left: int


@define
class _Matcher:
    bought: defaultdict[tuple[object, ...], list[_Purchase]] = field(
        factory=lambda: defaultdict(list)
    )
    matches: list[Match] = field(factory=list[Match])
    unmatched: list[Unmatched] = field(factory=list[Unmatched])

    def take(self, row: Row) -> None:
        if row.cancels:
            self._cancel(row)
        elif row.quantity > 0 and row.price > 0 and row.kind in SOLD:
            self.bought[_same(row)].append(_Purchase(row, row.quantity))

    def _cancel(self, row: Row) -> None:
        why = _why_not(row)
        open_ = [] if why else [lot for lot in self.bought[_same(row)] if lot.left]
        if why or not open_:
            reason = why or Why.NOTHING_BOUGHT
            self.unmatched.append(Unmatched(row, abs(row.quantity), reason))
            return
        needed = -row.quantity
        whole = [lot for lot in open_ if lot.left >= needed]
        for lot in whole[-1:] or reversed(open_):
            part = min(needed, lot.left)
            if part:
                self.matches.append(Match(row, lot.row, part))
            lot.left -= part
            needed -= part
        if needed:
            self.unmatched.append(Unmatched(row, needed, Why.MORE_THAN_BOUGHT))


def _same(row: Row) -> tuple[object, ...]:
    return row.customer, row.item, row.price


def _why_not(row: Row) -> Why | None:
    if row.quantity > 0:
        return Why.WRONG_SIGN
    if row.kind not in SOLD:
        return Why.NOT_SOLD
    return None if row.customer else Why.GUEST


def match_cancellations(rows: Iterable[Row]) -> Matching:
    """
    Match each cancelled row to the purchases that it takes back.

    A purchase fits when customer, item and price are the same, it is earlier (by time, then by
    number), and units are left of it. The latest that can give all units is taken; where none
    can, several give, the latest first.
    """
    matcher = _Matcher()
    for row in sorted(rows, key=lambda row: (row.at, row.invoice.lstrip("C"), row.position)):
        matcher.take(row)
    return Matching(tuple(matcher.matches), tuple(matcher.unmatched))


# --- orders -------------------------------------------------------------------------------------


@unique
class Reason(StrEnum):
    """Why an invoice is no order."""

    CANCELLATION = "it takes back what was bought before"
    STOCK = "it corrects stock: no customer and no price"
    TEST = "it is a test"
    BAD_DEBT = "it writes off a bad debt"
    NO_GOODS = "it has charges only, such as postage"


@frozen
class Refusal:
    """An invoice that is no order, and why."""

    invoice: str
    reason: Reason


def unit_price(price: Decimal) -> UnitPrice:
    """
    A price in pounds, exactly; per 10 or more units where it is finer than a penny.

    >>> unit_price(Decimal("2.1")), unit_price(Decimal("0.001"))
    (UnitPrice(amount=Money(210, GBP), per=1), UnitPrice(amount=Money(1, GBP), per=10))
    """
    return imports.unit_price(Fraction(price) * 100, GBP)


def to_draft(invoice: Invoice) -> Draft | Refusal:
    """
    The invoice as an order to be priced, or why it is none.

    Each row is one line or one charge, free ones too. The file states no tax.
    """
    reason = _refused(invoice)
    if reason is not None:
        return Refusal(invoice.number, reason)
    rows = invoice.rows
    return Draft(
        currency=GBP,
        lines=tuple(_line(row) for row in rows if row.kind in LINES),
        charges=tuple(_charge(row) for row in rows if row.kind in CHARGES),
    )


def _refused(invoice: Invoice) -> Reason | None:
    kinds = {row.kind for row in invoice.rows}
    if invoice.is_cancellation:
        return Reason.CANCELLATION
    if Kind.BAD_DEBT in kinds:
        return Reason.BAD_DEBT
    if Kind.TEST in kinds:
        return Reason.TEST
    if all(row.price == 0 and row.customer is None for row in invoice.rows):
        return Reason.STOCK
    return None if kinds & LINES.keys() else Reason.NO_GOODS


def _line(row: Row) -> DraftLine:
    is_goods = row.kind is Kind.GOODS
    return DraftLine(
        id=row.id,
        item=ItemId(row.item),
        sku=Sku(row.code),
        title=row.description,
        quantity=row.quantity,
        unit_price=unit_price(row.price),
        kind=LINES[row.kind],
        needs_fulfilment=is_goods,
        tracks_stock=is_goods,
    )


def _charge(row: Row) -> Charge:
    amount = Money.from_decimal(row.price, GBP) * row.quantity
    return Charge(
        id=row.id, kind=CHARGES[row.kind], title=row.description or row.item, amount=amount
    )


# --- what it finds ------------------------------------------------------------------------------


def findings(path: Path) -> Iterator[str]:
    """What the file holds, line by line, as text."""
    rows = tuple(read_rows(path))
    found = invoices(rows)
    results = [to_draft(invoice) for invoice in found]
    totals = [price(draft).total for draft in results if isinstance(draft, Draft)]
    yield f"{len(rows):,} rows, {len(found):,} invoices"
    yield f"{len(totals):,} orders, together {sum_money(totals, GBP)}"
    refused = Counter(result.reason for result in results if isinstance(result, Refusal))
    for reason, count in refused.most_common():
        yield f"  {count:,} no orders: {reason.value}"
    matching = match_cancellations(rows)
    matched = {match.cancelled.id for match in matching.matches}
    units = sum(match.quantity for match in matching.matches)
    yield f"{len(matched):,} cancelled rows match purchases, {units:,} units"
    for why, count in Counter(part.why for part in matching.unmatched).most_common():
        yield f"  {count:,} not, or not all: {why.value}"


def main() -> int:
    """Say what a file holds; a path that cannot be read is told, not thrown."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("path", nargs="?", type=Path, default=SLICE, help="rows as CSV")
    path: Path = parser.parse_args().path
    try:
        for text in findings(path):
            print(text)
    except (OSError, UnicodeDecodeError, lzma.LZMAError, RetailFileError) as error:
        print(f"{path} cannot be read: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
