"""WooCommerce's published samples, and orders bent out of shape."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from ordercore.codec.strict_json import PayloadError
from ordercore.integrations.imports import Check, Imported
from ordercore.integrations.woocommerce import read_orders
from ordercore.money import EUR, USD, Money
from ordercore.pricing.model import ChargeKind
from tests.unit.integrations.bending import BAD_VALUES, outcomes

Json: TypeAlias = dict[str, object]


def sample(shared_data: Path, name: str) -> bytes:
    """A sample by its name."""
    return (shared_data / "payloads" / "woocommerce" / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "totals"),
    [
        ("v3_orders_0", {"645": 7987}),
        ("v3_orders_1", {"645": 7987}),
        ("v3_orders_2", {"645": 7987, "644": 4414}),
        ("v3_orders_3", {"645": 7987}),
        ("v3_orders_4", {"645": 7987, "644": 4414}),
        ("wp-api-v3_orders_0", {"727": 2935}),
        ("wp-api-v3_orders_1", {"727": 2935}),
        ("wp-api-v3_orders_2", {"727": 2935, "723": 3900}),
        ("wp-api-v3_orders_3", {"727": 2935}),
        ("wp-api-v3_orders_4", {"727": 2935}),
        ("wp-api-v3_orders_5", {"728": 6225, "729": 5440, "727": 2935}),
    ],
)
def test_every_sample_adds_up(shared_data: Path, name: str, totals: dict[str, int]) -> None:
    """All totals are the claimed ones; only order 644 states another order's tax lines."""
    found = read_orders(sample(shared_data, name))
    assert totals == {order.reference.id: order.priced.total.minor for order in found}
    for order in found:
        assert order.claims.amount(Check.TOTAL) == order.priced.total
        expected = [(Check.TAX_LINE, 590, 315)] if order.reference.id == "644" else []
        assert expected == [
            (each.check, each.claimed.minor, each.computed.minor) for each in order.discrepancies
        ]


def test_refunds_are_no_orders(shared_data: Path) -> None:
    """The samples of refunds are refused by a path."""
    for name, path in (("v3_order-refunds_2", "$"), ("wp-api-v3_order-refunds_2", "$[0].currency")):
        with pytest.raises(PayloadError) as caught:
            read_orders(sample(shared_data, name))
        assert path == caught.value.path


def test_an_order_is_read_with_all_its_parts(shared_data: Path) -> None:
    """Times are in UTC without saying so; names are written in HTML; ids of none are 0."""
    (order,) = read_orders(sample(shared_data, "wp-api-v3_orders_0"))
    assert datetime(2017, 3, 22, 19, 28, 8, tzinfo=UTC) == order.updated_at
    assert [("315", "93", "93"), ("316", "23", "Bar3")] == [
        (line.id, line.item, line.sku) for line in order.priced.lines
    ]
    assert "Ship Your Idea – Color: Black, Size: M Test" == order.priced.lines[1].title
    (tax,) = order.priced.lines[0].taxes
    assert ("US-CA-STATE TAX-75", "State Tax", Money(45, USD)) == (tax.code, tax.title, tax.amount)
    assert ("processing", True) == (order.statuses[0].raw, order.statuses[0].known)
    assert order.buyer is not None
    assert ("", "John Doe", "john.doe@example.com") == (
        order.buyer.reference,
        order.buyer.name,
        order.buyer.email,
    )
    assert order.destination is not None
    assert ("US", "CA") == (order.destination.country, order.destination.region)
    assert "Doe" not in repr(order)


def test_taxes_that_are_rounded_once_per_order_are_apportioned_back(shared_data: Path) -> None:
    """1.125 + 0.225 + 0.90 is 2.25: the lines get 1.13, 0.22 and 0.90, not 1.13, 0.23 and 0.90."""
    order = read_orders(sample(shared_data, "wp-api-v3_orders_5"))[0]
    assert [113, 22, 90] == [line.tax.minor for line in order.priced.lines]
    assert Money(225, USD) == order.priced.tax


# --- orders made here ---------------------------------------------------------------------------


def line(**changes: object) -> Json:
    """A line of 3 units for 10.00 together."""
    fields = {"id": 1, "product_id": 7, "quantity": 3, "subtotal": "10.00", "total": "10.00"}
    return {**fields, **changes}


def raw(*lines: Json, **changes: object) -> str:
    """An order with these lines, in euro."""
    fields = {"id": 9, "currency": "EUR", "line_items": list(lines) or [line()]}
    return json.dumps({**fields, **changes})


def only(text: str) -> Imported:
    """The one order of a payload."""
    (order,) = read_orders(text)
    return order


def test_prices_that_no_unit_has_are_exact() -> None:
    """Three units for 10.00 cost a third of it each, without a rounded price between."""
    order = only(raw(total="10.00"))
    assert (Money(1000, EUR), 3) == (
        order.priced.lines[0].unit_price.amount,
        order.priced.lines[0].unit_price.per,
    )
    assert () == order.discrepancies


def test_a_coupon_is_what_the_line_lost() -> None:
    """The discount is the difference of the two amounts, under the coupon's code."""
    order = only(
        raw(
            line(total="8.50"),
            coupon_lines=[{"code": "SPRING"}],
            discount_total="1.50",
            total="8.50",
        )
    )
    (discount,) = order.priced.lines[0].discounts
    assert ("SPRING", Money(150, EUR), ()) == (discount.code, discount.amount, order.discrepancies)


def test_a_line_may_cost_more_than_its_list_price() -> None:
    """Shops raise a line's total; that is its price then, and no negative discount."""
    assert Money(1200, EUR) == only(raw(line(total="12.00"))).priced.total


def test_fees_may_be_negative() -> None:
    """A negative fee is how shops write an adjustment."""
    order = only(
        raw(fee_lines=[{"id": 4, "total": "2.00"}, {"id": 5, "total": "-3.00"}], total="9.00")
    )
    assert [ChargeKind.FEE, ChargeKind.ADJUSTMENT] == [
        charge.kind for charge in order.priced.charges
    ]
    assert () == order.discrepancies


def test_a_stated_rate_is_checked() -> None:
    """10.00 at 20 percent is 2.00; 1.90 is kept, and said to be wrong."""

    def taxed(amount: str) -> Imported:
        tax_line = {"rate_id": 5, "rate_code": "VAT", "rate_percent": 20, "tax_total": amount}
        return only(
            raw(line(taxes=[{"id": 5, "total": amount}]), tax_lines=[tax_line], total_tax=amount)
        )

    assert () == taxed("2.00").discrepancies
    assert [(Check.TAX_RATE, 190, 200)] == [
        (each.check, each.claimed.minor, each.computed.minor)
        for each in taxed("1.90").discrepancies
    ]
    assert Fraction(1, 5) == taxed("1.90").priced.lines[0].taxes[0].rate


def test_a_tax_line_that_is_not_its_parts_is_said() -> None:
    """What the order states of a tax is compared with what its lines have of it."""
    order = only(
        raw(line(taxes=[{"id": 5, "total": "2"}]), tax_lines=[{"rate_id": 5, "tax_total": "2.01"}])
    )
    assert [("$.tax_lines[0]", Check.TAX_LINE, 201, 200)] == [
        (each.field, each.check, each.claimed.minor, each.computed.minor)
        for each in order.discrepancies
    ]


def test_an_unknown_status_is_kept() -> None:
    """Plug-ins add statuses; the word stays and is marked."""
    assert ["awaiting-pickup"] == [
        status.raw for status in only(raw(status="awaiting-pickup")).unknown_statuses
    ]


WRONG: Final = [
    ("{}", "$"),
    ("[[]]", "$[0]"),
    (raw(line(quantity=0)), "$.line_items[0].quantity"),
    (raw(line(quantity=-1)), "$.line_items[0].quantity"),
    (raw(line(total="-1.00", subtotal="-1.00")), "$.line_items[0]"),
    (raw(line(total=None)), "$.line_items[0].total"),
    (raw(line(taxes=[{"id": 5, "total": "1"}])), "$.line_items[0].taxes[0].id"),
    (raw(tax_lines=[{"rate_id": 5}, {"rate_id": 5}]), "$.tax_lines[1].rate_id"),
    (raw(line(), line()), "$"),
    (raw(shipping_lines=[{"id": 1, "total": "-5.00"}]), "$.shipping_lines[0]"),
    (raw(line_items=[]), "$.line_items"),
    (raw(currency="EURO"), "$.currency"),
    (raw(date_modified_gmt="today"), "$.date_modified_gmt"),
    (json.dumps({"create": [{"error": "no"}]}), "$.create[0].currency"),
]


@pytest.mark.parametrize(("text", "path"), WRONG)
def test_a_bent_order_is_refused_by_its_path(text: str, path: str) -> None:
    """Whatever is wrong with an order, the error is typed and says where."""
    with pytest.raises(PayloadError) as caught:
        read_orders(text)
    assert path == caught.value.path


def test_many_lines_with_many_taxes_cost_little() -> None:
    """Work grows with the length of the payload, not with lines times taxes or coupons."""
    rates = [{"rate_id": number} for number in range(3_000)]
    lines = [line(id=number, taxes=[{"id": number, "total": "0.1"}]) for number in range(3_000)]
    text = raw(*lines, tax_lines=rates, coupon_lines=[{"id": 1}] * 10_000)
    started = time.process_time()
    assert 3_000 == len(only(text).priced.lines)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("new", BAD_VALUES)
def test_no_changed_field_makes_it_fall_over(shared_data: Path, new: object) -> None:
    """Every field of real orders is replaced in turn: read, or refused by a path."""
    for name in ("wp-api-v3_orders_0", "v3_orders_0"):
        found = outcomes(read_orders, sample(shared_data, name), new)
        assert all(found.values()), (name, found)
