"""Magento's published samples, and orders bent out of shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from ordercore.codec.strict_json import PayloadError
from ordercore.integrations.imports import Check, Imported
from ordercore.integrations.magento import read_graphql_orders, read_orders
from ordercore.money import EUR, JPY, USD, Money
from tests.unit.integrations.bending import BAD_VALUES, outcomes

Json: TypeAlias = dict[str, object]


def sample(shared_data: Path, name: str) -> bytes:
    """A sample by its name."""
    return (shared_data / "payloads" / "magento" / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "lines", "minor"),
    [
        ("b2b_negotiable_checkout_6", 1, 595),
        ("b2b_negotiable_checkout_24", 1, 595),
        ("b2b_negotiable_checkout_27", 1, 595),
        ("b2b_negotiable_order_workflow_9", 2, 37300),
        ("tutorials_inventory_create_invoice_1", 3, 191760),
        ("tutorials_inventory_in_store_pickup_4", 1, 6400),
        ("tutorials_inventory_prepare_for_checkout_3", 3, 191760),
        ("tutorials_orders_order_create_invoice_1", 7, 16500),
        ("tutorials_orders_order_prepare_checkout_3", 4, 16500),
        ("gql_customer_5", 1, 3639),
    ],
)
def test_every_sample_with_amounts_adds_up(
    shared_data: Path, name: str, lines: int, minor: int
) -> None:
    """Containers and children have no amount of their own, and all totals are the claimed ones."""
    read = read_graphql_orders if name.startswith("gql") else read_orders
    (order,) = read(sample(shared_data, name))
    assert (lines, Money(minor, USD), ()) == (
        len(order.priced.lines),
        order.priced.total,
        order.discrepancies,
    )
    assert Money(minor, USD) == order.claims.amount(Check.TOTAL)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gql_customer_3", "$.data.customer.orders.items[0].items"),
        ("gql_customer_4", "$.data.customer.orders.items[0].items"),
        ("gql_orders_0", "$.data.customer"),
        ("saas_integrations_order_management_index_0", "$.order_currency_code"),
        ("tutorials_inventory_create_shipment_0", "$.order_currency_code"),
        ("tutorials_inventory_create_shipment_1", "$.order_currency_code"),
        ("tutorials_orders_order_create_shipment_0", "$.order_currency_code"),
        ("tutorials_orders_order_issue_refund_0", "$.order_currency_code"),
    ],
)
def test_samples_without_amounts_are_refused(shared_data: Path, name: str, path: str) -> None:
    """Requests to ship or refund state no amounts; a list of orders was not asked for its items."""
    read = read_graphql_orders if name.startswith("gql") else read_orders
    with pytest.raises(PayloadError) as caught:
        read(sample(shared_data, name))
    assert path == caught.value.path


def test_an_invoice_is_read_with_all_its_parts(shared_data: Path) -> None:
    """Times without a zone are UTC, discounts are the rows' own, the shop's amounts are kept."""
    (order,) = read_orders(sample(shared_data, "tutorials_inventory_create_invoice_1"))
    assert ("order", "3", "000000003") == (
        order.reference.kind,
        order.reference.id,
        order.reference.name,
    )
    assert datetime(2020, 7, 23, 16, 59, 21, tzinfo=UTC) == order.updated_at
    assert [("24-WB03", 20, 14400), ("24-WB01", 40, 25600), ("240-LV06", 1, 440)] == [
        (line.sku, line.quantity, line.discounts[0].amount.minor) for line in order.priced.lines
    ]
    assert ("$.base_grand_total", Money(191760, USD)) in {
        (pair.field, pair.shop) for pair in order.presentment
    }


def test_a_tax_of_the_whole_order_is_spread(shared_data: Path) -> None:
    """GraphQL states taxes for the order; 8.25 percent of 29.00 is 2.39."""
    (order,) = read_graphql_orders(sample(shared_data, "gql_customer_5"))
    (tax,) = order.priced.lines[0].taxes
    assert (Money(239, USD), Fraction(825, 10000)) == (tax.amount, tax.rate)


# --- orders made here ---------------------------------------------------------------------------


def item(**changes: object) -> Json:
    """An item of 2 x 5.00."""
    fields = {"item_id": 1, "sku": "A", "price": 5, "qty_ordered": 2, "row_total": 10}
    return {**fields, **changes}


def raw(*items: Json, **changes: object) -> str:
    """An order with these items, in euro."""
    fields = {"entity_id": 3, "order_currency_code": "EUR", "items": list(items) or [item()]}
    return json.dumps({**fields, **changes})


def only(text: str) -> Imported:
    """The one order of a payload."""
    (order,) = read_orders(text)
    return order


def test_an_order_with_tax_and_shipping() -> None:
    """Stated amounts are kept, on the rows and on shipping."""
    order = only(
        raw(
            item(tax_amount=2, tax_percent=20, discount_amount=1),
            subtotal=10,
            discount_amount=-1,
            shipping_amount=4,
            shipping_tax_amount=0.8,
            tax_amount=2.8,
            grand_total=15.8,
            state="processing",
        )
    )
    assert [(Check.TAX_RATE, 200, 180)] == [
        (each.check, each.claimed.minor, each.computed.minor) for each in order.discrepancies
    ]
    assert Money(1580, EUR) == order.priced.total
    assert () == order.unknown_statuses


def test_children_and_containers_are_left_out() -> None:
    """A child at nothing inside its parent, and a parent without an amount, are no lines."""
    child = item(item_id=2, parent_item_id=1, price=0, row_total=0)
    order = only(raw(item(), child, item(item_id=3, row_total=None), grand_total=10))
    assert (["1"], ()) == ([line.id for line in order.priced.lines], order.discrepancies)


def test_a_row_that_is_not_price_times_quantity_is_said() -> None:
    """The price counts; what the row states stands in the discrepancy."""
    order = only(raw(item(price=3.3333, qty_ordered=3, row_total=10.01)))
    assert [("$.items[0].row_total", Check.LINE, 1001, 1000)] == [
        (each.field, each.check, each.claimed.minor, each.computed.minor)
        for each in order.discrepancies
    ]


def test_two_currencies_stand_side_by_side() -> None:
    """The order is in the buyer's currency, the shop's own amounts beside it."""
    order = only(raw(base_currency_code="JPY", base_grand_total=1600, grand_total=10))
    assert [(Money(1600, JPY), Money(1000, EUR))] == [
        (pair.shop, pair.presentment) for pair in order.presentment
    ]


def test_a_search_answer_has_several_orders() -> None:
    """What a search gives is read order by order."""
    found = read_orders(
        json.dumps({"items": [json.loads(raw()), json.loads(raw())], "search_criteria": {}})
    )
    assert ["3", "3"] == [order.reference.id for order in found]


WRONG: Final = [
    (raw(item(qty_ordered=1.5)), "$.items[0].qty_ordered"),
    (raw(item(qty_ordered=0)), "$.items[0].qty_ordered"),
    (raw(item(price=-5)), "$.items[0]"),
    (raw(item(price=None)), "$.items[0].price"),
    (raw(item(row_total="ten")), "$.items[0].row_total"),
    (raw(item(discount_amount=11)), "$"),
    (raw(item(row_total=None)), "$.items"),
    (raw(items=[]), "$.items"),
    (raw(item(), item()), "$"),
    (raw(order_currency_code=None), "$.order_currency_code"),
    (raw(shipping_amount=-5), "$"),
]


@pytest.mark.parametrize(("text", "path"), WRONG)
def test_a_bent_order_is_refused_by_its_path(text: str, path: str) -> None:
    """Whatever is wrong with an order, the error is typed and says where."""
    with pytest.raises(PayloadError) as caught:
        read_orders(text)
    assert path == caught.value.path


def test_another_currency_inside_a_graphql_order_is_refused(shared_data: Path) -> None:
    """One order has one currency."""
    text = sample(shared_data, "gql_customer_5").decode().replace('"USD"', '"EUR"', 1)
    with pytest.raises(PayloadError, match=r"product_sale_price\.currency: it is another"):
        read_graphql_orders(text)


@pytest.mark.parametrize("new", BAD_VALUES)
def test_no_changed_field_makes_it_fall_over(shared_data: Path, new: object) -> None:
    """Every field of real orders is replaced in turn: read, or refused by a path."""
    found = outcomes(read_orders, sample(shared_data, "tutorials_inventory_create_invoice_1"), new)
    assert all(found.values())
    found = outcomes(read_graphql_orders, sample(shared_data, "gql_customer_5"), new)
    assert all(found.values())
