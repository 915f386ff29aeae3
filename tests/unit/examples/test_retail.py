"""The reader and matcher of Online Retail II."""

from __future__ import annotations

import lzma
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from ordercore.money import GBP, Money
from ordercore.pricing.model import ChargeKind, Draft, LineKind, PricedOrder
from ordercore.pricing.totals import price
from retail import (
    COLUMNS,
    SLICE,
    Invoice,
    Kind,
    Matching,
    Reason,
    Refusal,
    RetailFileError,
    Row,
    Why,
    findings,
    invoices,
    match_cancellations,
    read_rows,
    to_draft,
    unit_price,
)

WHOLE = Path("retail") / "online_retail_ii_2009-12_to_2010-05.csv.xz"


def row(
    invoice: str, quantity: int, *, code: str = "22041", pounds: str = "2.10", day: int = 1
) -> Row:
    """A row of customer 13085."""
    return Row(
        invoice=invoice,
        position=1,
        code=code,
        description="RECORD FRAME",
        quantity=quantity,
        at=datetime(2010, 1, day, 9, tzinfo=UTC),
        price=Decimal(pounds),
        customer="13085",
        country="United Kingdom",
    )


def pairs(matching: Matching) -> list[tuple[str, str, int]]:
    """Which cancelled row got how many units of which purchase."""
    return [
        (match.cancelled.invoice, match.bought.invoice, match.quantity)
        for match in matching.matches
    ]


def whys(matching: Matching) -> list[tuple[str, int, Why]]:
    """What was left over, and why."""
    return [(part.cancelled.invoice, part.quantity, part.why) for part in matching.unmatched]


@pytest.fixture(scope="module")
def slice_rows() -> tuple[Row, ...]:
    """The rows beside the example."""
    return tuple(read_rows(SLICE))


@pytest.fixture(scope="module")
def slice_invoices(slice_rows: tuple[Row, ...]) -> dict[str, Invoice]:
    """The invoices beside the example, by number."""
    return {invoice.number: invoice for invoice in invoices(slice_rows)}


def priced(invoice: Invoice) -> PricedOrder:
    """The invoice as an order."""
    draft = to_draft(invoice)
    assert isinstance(draft, Draft)
    return price(draft)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("85123A", Kind.GOODS),
        ("85123a", Kind.GOODS),
        ("PADS", Kind.GOODS),
        ("DCGS0058", Kind.GOODS),
        ("gift_0001_30", Kind.VOUCHER),
        ("GIFT", Kind.VOUCHER),
        ("POST", Kind.SHIPPING),
        ("DOT", Kind.SHIPPING),
        ("C2", Kind.SHIPPING),
        ("M", Kind.MANUAL),
        ("m", Kind.MANUAL),
        ("S", Kind.MANUAL),
        ("D", Kind.DISCOUNT),
        ("BANK CHARGES", Kind.FEE),
        ("ADJUST", Kind.ADJUSTMENT),
        ("B", Kind.BAD_DEBT),
        ("TEST001", Kind.TEST),
    ],
)
def test_every_code_has_a_kind(code: str, kind: Kind) -> None:
    """Codes that are no goods are told apart, whatever their spelling."""
    assert kind is row("489434", 1, code=code).kind


def test_a_price_finer_than_a_penny_is_exact() -> None:
    """A thousandth of a pound is a penny for ten; nothing is rounded before it is multiplied."""
    assert (Money(1, GBP), 10) == (
        unit_price(Decimal("0.001")).amount,
        unit_price(Decimal("0.001")).per,
    )
    assert 1 == unit_price(Decimal("2.10")).per
    assert 0 == unit_price(Decimal(0)).amount.minor


def test_the_latest_earlier_purchase_is_taken_back() -> None:
    """Of two purchases that fit, the later one is returned first."""
    matching = match_cancellations(
        [row("1", 6, day=1), row("2", 6, day=2), row("C3", -4, day=3), row("4", 6, day=4)]
    )
    assert [("C3", "2", 4)] == pairs(matching)


def test_a_return_takes_one_purchase_whole_before_it_takes_several() -> None:
    """An earlier purchase that can give all units is preferred to pieces of later ones."""
    matching = match_cancellations([row("1", 6, day=1), row("2", 2, day=2), row("C3", -4, day=3)])
    assert [("C3", "1", 4)] == pairs(matching)


def test_a_return_of_more_than_any_purchase_takes_several() -> None:
    """The latest is used up first; what no purchase explains is left over by name."""
    rows = [row("1", 6, day=1), row("2", 2, day=2), row("C3", -9, day=3), row("C4", -1, day=4)]
    matching = match_cancellations(rows)
    assert [("C3", "2", 2), ("C3", "1", 6)] == pairs(matching)
    assert [
        ("C3", 1, Why.MORE_THAN_BOUGHT),
        ("C4", 1, Why.NOTHING_BOUGHT),
    ] == whys(matching)


def test_no_unit_is_returned_twice() -> None:
    """Two cancellations share what was bought, and the third finds nothing."""
    rows = [row("1", 2), *(row(f"C{number}", -1, day=number) for number in (2, 3, 4))]
    matching = match_cancellations(rows)
    assert [("C2", "1", 1), ("C3", "1", 1)] == pairs(matching)
    assert [("C4", 1, Why.NOTHING_BOUGHT)] == whys(matching)


@pytest.mark.parametrize(
    ("bought", "cancelled", "why"),
    [
        (row("1", 1), row("C2", -1, day=2, pounds="2.11"), Why.NOTHING_BOUGHT),
        (row("1", 1), row("C2", -1, day=2, code="22042"), Why.NOTHING_BOUGHT),
        (row("1", 1, day=2), row("C2", -1, day=1), Why.NOTHING_BOUGHT),
        (row("3", 1), row("C2", -1), Why.NOTHING_BOUGHT),
        (row("1", 1), evolve(row("C2", -1, day=2), customer="13086"), Why.NOTHING_BOUGHT),
        (row("1", 1), evolve(row("C2", -1, day=2), customer=None), Why.GUEST),
        (row("1", 1, code="D"), row("C2", -1, day=2, code="D"), Why.NOT_SOLD),
        (row("1", 1), row("C2", 1, day=2), Why.WRONG_SIGN),
    ],
)  # fmt: skip
def test_what_is_no_return_of_a_purchase_says_why(bought: Row, cancelled: Row, why: Why) -> None:
    """Another price, item, customer or a later purchase does not match."""
    matching = match_cancellations([bought, cancelled])
    assert [] == pairs(matching)
    assert [("C2", 1, why)] == whys(matching)


def test_small_letters_and_within_the_minute_still_match() -> None:
    """The spelling of a code does not matter, and numbers order what has the same time."""
    matching = match_cancellations([row("1", 1, code="72349b"), row("C2", -1, code="72349B")])
    assert [("C2", "1", 1)] == pairs(matching)


def test_the_slice_has_200_orders_and_65_matched_returns(slice_rows: tuple[Row, ...]) -> None:
    """The slice beside the example is what its note says."""
    results = [to_draft(invoice) for invoice in invoices(slice_rows)]
    assert 200 == sum(isinstance(result, Draft) for result in results)
    assert {
        Reason.CANCELLATION: 44,
        Reason.NO_GOODS: 2,
        Reason.STOCK: 2,
        Reason.TEST: 1,
        Reason.BAD_DEBT: 1,
    } == Counter(result.reason for result in results if isinstance(result, Refusal))
    matching = match_cancellations(slice_rows)
    assert 65 == len({match.cancelled.id for match in matching.matches})
    assert 645 == sum(match.quantity for match in matching.matches)
    assert {Why.NOT_SOLD: 2, Why.NOTHING_BOUGHT: 1, Why.GUEST: 1, Why.WRONG_SIGN: 1} == Counter(
        part.why for part in matching.unmatched
    )


def test_every_order_of_the_slice_costs_what_its_rows_say(
    slice_invoices: dict[str, Invoice],
) -> None:
    """Quantity times price, summed exactly, is the total; less than a penny is rounded away."""
    for invoice in slice_invoices.values():
        if isinstance(to_draft(invoice), Draft):
            exact = sum((one.price * one.quantity for one in invoice.rows), Decimal(0))
            assert abs(exact - priced(invoice).total.decimal) <= Decimal("0.001"), invoice.number


def test_the_rows_of_one_order_become_lines_and_charges(
    slice_invoices: dict[str, Invoice],
) -> None:
    """Goods and vouchers are lines, postage is a charge, each by its own kind."""
    kinds: Counter[LineKind | ChargeKind] = Counter()
    for invoice in slice_invoices.values():
        draft = to_draft(invoice)
        if isinstance(draft, Draft):
            kinds.update(line.kind for line in draft.lines)
            kinds.update(charge.kind for charge in draft.charges)
            assert len(invoice.rows) == len(draft.lines) + len(draft.charges)
    assert {LineKind.GOODS, LineKind.SERVICE, LineKind.GIFT_CARD, ChargeKind.SHIPPING} == set(kinds)


def test_a_repeated_row_stays_a_line_of_its_own() -> None:
    """The book says it twice, so it was charged twice."""
    twice = invoices([row("1", 2), evolve(row("1", 2), position=2)])[0]
    assert 1 == twice.repeated
    assert Money(840, GBP) == priced(twice).total


def test_an_invoice_may_take_two_minutes() -> None:
    """Its rows need not stand together, and it lasts from its first row to its last."""
    late = row("1", 1).at.replace(minute=1)
    found = invoices([row("1", 1), row("2", 1), evolve(row("1", 1), position=2, at=late)])
    assert ["1", "2"] == [invoice.number for invoice in found]
    assert (row("1", 1).at, late) == (found[0].at, found[0].until)


def test_an_invoice_of_two_customers_is_refused() -> None:
    """One number is one sale."""
    with pytest.raises(RetailFileError, match="two customers"):
        invoices([row("1", 1), evolve(row("1", 1), position=2, customer="13086")])


def test_a_positive_discount_row_is_an_adjustment() -> None:
    """A discount that is taken back beside goods makes the order dearer, by name."""
    sale = invoices([row("1", 1), evolve(row("1", 1, code="D", pounds="57.63"), position=2)])[0]
    assert [ChargeKind.ADJUSTMENT] == [charge.kind for charge in priced(sale).charges]
    assert Money(210 + 5763, GBP) == priced(sale).total


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,22041,X,two,2010-01-01 09:00:00,2.1,,United Kingdom", "ValueError"),
        ("1,22041,X,2,yesterday,2.1,,United Kingdom", "ValueError"),
        ("1,22041,X,2,2010-01-01 09:00:00,NaN,,United Kingdom", "ValueError"),
        ("1,22041,X,2,2010-01-01 09:00:00,1E+999,,United Kingdom", "ValueError"),
        ("1,22041,X,2,2010-01-01 09:00:00,cheap,,United Kingdom", "InvalidOperation"),
        ("1,22041,X", "TypeError"),
    ],
)
def test_a_broken_row_is_refused_by_its_number(tmp_path: Path, line: str, problem: str) -> None:
    """The error says which row and what kind of fault, not what stood there."""
    file = tmp_path / "broken.csv"
    good = "1,22041,X,2,2010-01-01 09:00:00,2.1,,United Kingdom"
    file.write_text("\n".join([",".join(COLUMNS), good, line, ""]), encoding="utf-8")
    with pytest.raises(RetailFileError, match=f"Row 2 .* {problem}"):
        list(read_rows(file))


def test_another_file_is_refused(tmp_path: Path) -> None:
    """The columns must be those of the data set."""
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(RetailFileError, match="columns"):
        list(read_rows(file))


def test_compressed_files_are_read_too(tmp_path: Path) -> None:
    """A file that ends in .xz is the same file, smaller."""
    file = tmp_path / "slice.csv.xz"
    file.write_bytes(lzma.compress(SLICE.read_bytes()))
    assert list(read_rows(SLICE)) == list(read_rows(file))


def test_it_says_what_it_found() -> None:
    """Run as a program it prints counts."""
    assert [
        "1,707 rows, 250 invoices",
        "200 orders, together 62830.15 GBP",
        "  44 no orders: it takes back what was bought before",
    ] == list(findings(SLICE))[:3]


def test_every_row_of_the_whole_file_has_an_outcome(shared_data: Path) -> None:
    """All 217,062 rows: the counts are known, and nothing is left out."""
    rows = tuple(read_rows(shared_data / WHOLE))
    found = invoices(rows)
    results = [to_draft(invoice) for invoice in found]
    outcomes = Counter(result.reason if isinstance(result, Refusal) else None for result in results)
    assert (217_062, 12_609) == (len(rows), len(found))
    assert {
        None: 8_552,
        Reason.CANCELLATION: 2_059,
        Reason.STOCK: 1_915,
        Reason.NO_GOODS: 69,
        Reason.TEST: 13,
        Reason.BAD_DEBT: 1,
    } == outcomes
    matching = match_cancellations(rows)
    cancelled = [one for one in rows if one.cancels]
    parts = [(match.cancelled, match.quantity) for match in matching.matches]
    parts += [(part.cancelled, part.quantity) for part in matching.unmatched]
    assert {one.id for one in cancelled} == {part.id for part, _ in parts}
    assert sum(abs(one.quantity) for one in cancelled) == sum(units for _, units in parts)
    assert (3_087, 36_349) == (
        len({match.cancelled.id for match in matching.matches}),
        sum(match.quantity for match in matching.matches),
    )
    assert {
        Why.NOTHING_BOUGHT: 1_420,
        Why.GUEST: 143,
        Why.NOT_SOLD: 79,
        Why.MORE_THAN_BOUGHT: 39,
        Why.WRONG_SIGN: 1,
    } == Counter(part.why for part in matching.unmatched)
