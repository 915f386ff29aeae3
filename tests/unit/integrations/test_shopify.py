"""Shopify's published sample payloads, all 65 of them, and orders bent out of shape."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias, cast

import pytest

from ordercore.codec.strict_json import PayloadError
from ordercore.fulfilment.model import ParcelStatus
from ordercore.integrations.imports import Check, Discrepancy, Imported, RawStatus
from ordercore.integrations.shopify import (
    FulfilmentState,
    RefundNotice,
    Shipment,
    Transaction,
    TransactionKind,
    TransactionStatus,
    read_draft_orders,
    read_fulfilments,
    read_orders,
    read_refunds,
    read_transactions,
)
from ordercore.money import EUR, JPY, USD, Money
from ordercore.pricing.model import ChargeKind, LineKind
from tests.unit.integrations.bending import BAD_VALUES, outcomes

Json: TypeAlias = dict[str, object]


def read_transactions_in_usd(raw: bytes) -> tuple[Transaction, ...]:
    """Transactions of a shop that sells in US dollars."""
    return read_transactions(raw, currency=USD)


READERS: Final[dict[str, Callable[[bytes], tuple[object, ...]]]] = {
    "draft_order": read_draft_orders,
    "fulfillment": read_fulfilments,
    "refund": read_refunds,
    "transaction": read_transactions_in_usd,
}
STORED: Final = Path(__file__).with_name("shopify_discrepancies.json")


@pytest.fixture(scope="module")
def samples(root: Path) -> Path:
    """Shopify's own samples, copied with their source notes."""
    return root / "examples" / "data" / "shopify"


def reader_of(path: Path) -> Callable[[bytes], tuple[object, ...]]:
    """Which reader a sample is for, by its name."""
    for word, read in READERS.items():
        if word in path.stem:
            return read
    return read_orders


def only(read: tuple[Imported, ...]) -> Imported:
    """The one order of a payload."""
    (imported,) = read
    return imported


def discrepancies(thing: object) -> tuple[Discrepancy, ...]:
    """What a sample says wrong about itself."""
    return thing.discrepancies if isinstance(thing, (Imported, RefundNotice)) else ()


def as_row(file: str, found: Discrepancy) -> tuple[str, ...]:
    """A discrepancy as it stands in the stored list."""
    return file, found.field, found.check.value, str(found.claimed), str(found.computed)


# --- all samples --------------------------------------------------------------------------------


def test_every_sample_is_read_or_refused_by_path(samples: Path) -> None:
    """Every order with lines and a currency is imported; the other one is refused by its path."""
    paths = sorted(samples.glob("*.json"))
    refused: dict[str, str] = {}
    kinds: list[type[object]] = []
    for path in paths:
        try:
            kinds.extend(type(thing) for thing in reader_of(path)(path.read_bytes()))
        except PayloadError as error:
            refused[path.stem] = error.path
    assert 65 == len(paths)
    assert json.loads(STORED.read_text(encoding="utf-8"))["refused"] == refused
    assert (44, 11, 6, 9) == tuple(
        kinds.count(kind) for kind in (Imported, Shipment, RefundNotice, Transaction)
    )


def test_the_discrepancies_are_exactly_the_reviewed_ones(samples: Path) -> None:
    """The stored list was reviewed by hand; nothing may come or go unnoticed."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    found = [
        as_row(path.stem, each)
        for path in sorted(samples.glob("*.json"))
        if path.stem not in stored["refused"]
        for thing in reader_of(path)(path.read_bytes())
        for each in discrepancies(thing)
    ]
    columns = ("file", "field", "check", "claimed", "computed")
    assert [tuple(row[name] for name in columns) for row in stored["discrepancies"]] == found
    assert {row["finding"] for row in stored["discrepancies"]} == stored["findings"].keys()


def test_every_sample_has_a_source_note(samples: Path) -> None:
    """Copied data say where they come from and under which licence."""
    for path in samples.glob("*.json"):
        note = path.with_suffix("").with_suffix(".source.txt").read_text(encoding="utf-8")
        assert "licence: MIT" in note, path.name


# --- what is read -------------------------------------------------------------------------------


def sample(samples: Path, name: str) -> bytes:
    """A sample by its name."""
    return (samples / f"{name}.json").read_bytes()


def test_an_order_is_read_with_all_its_parts(samples: Path) -> None:
    """Lines, verbatim discounts and taxes, shipping, times, and amounts in two currencies."""
    imported = only(read_orders(sample(samples, "rb2024_01_order_get_orders_1")))
    assert ("shopify", "order", "450789469", "#1001") == (
        imported.reference.platform,
        imported.reference.kind,
        imported.reference.id,
        imported.reference.name,
    )
    assert datetime(2008, 1, 10, 16, tzinfo=UTC) == imported.updated_at == imported.created_at
    assert [
        ("466157049", "39072856", "IPOD2008GREEN", 1, 334, 398),
        ("518995019", "49148385", "IPOD2008RED", 1, 333, 398),
        ("703073504", "457924702", "IPOD2008BLACK", 1, 333, 398),
    ] == [
        (
            line.id,
            line.item,
            line.sku,
            line.quantity,
            sum(discount.amount.minor for discount in line.discounts),
            line.tax.minor,
        )
        for line in imported.priced.lines
    ]
    assert {"TENOFF"} == {
        discount.code for line in imported.priced.lines for discount in line.discounts
    }
    (tax,) = imported.priced.lines[0].taxes
    assert ("State Tax 6%", Fraction(3, 50), True) == (tax.code, tax.rate, tax.verbatim)
    assert [ChargeKind.SHIPPING] == [charge.kind for charge in imported.priced.charges]
    assert Money(59894, USD) == imported.priced.total == imported.claims.amount(Check.TOTAL)
    assert Money(59894, USD) in {pair.presentment for pair in imported.presentment}
    assert [
        RawStatus(field="$.orders[0].financial_status", raw="partially_refunded", known=True)
    ] == [*imported.statuses]


def test_people_are_kept_apart_and_never_printed(samples: Path) -> None:
    """Names and streets are in `PartyData` only, and rules get a destination without them."""
    imported = only(read_orders(sample(samples, "rb2024_01_order_get_orders_1")))
    assert imported.buyer is not None
    assert imported.ship_to is not None
    assert imported.bill_to is not None
    assert imported.ship_to.address is not None
    assert ("207119551", "Bob Norman", "bob.norman@mail.example.com") == (
        imported.buyer.reference,
        imported.buyer.name,
        imported.buyer.email,
    )
    assert ("Chestnut Street 92",) == imported.ship_to.address.lines
    assert imported.destination is not None
    assert ("US", "KY", "40202") == (
        imported.destination.country,
        imported.destination.region,
        imported.destination.postal_code,
    )
    shown = repr(imported) + repr(imported.buyer) + repr(imported.ship_to)
    for secret in ("Bob", "Norman", "bob.norman", "Chestnut", "+557734881234", "imasecretipod"):
        assert secret not in shown


def test_a_draft_order_is_read_with_its_own_kind_of_discount(samples: Path) -> None:
    """A discount by hand counts on a line and on the whole draft, as stated."""
    on_line = only(read_draft_orders(sample(samples, "rb2024_01_draft_order_post_draft_orders_2")))
    assert (Money(2034, USD), ()) == (on_line.priced.total, on_line.discrepancies)
    assert Money(200, USD) == on_line.priced.lines[0].discounts[0].amount
    whole = only(
        read_draft_orders(sample(samples, "rb2024_01_draft_order_put_draft_orders_994118539_1"))
    )
    assert (Money(19135, USD), ()) == (whole.priced.total, whole.discrepancies)
    assert whole.priced.lines[0].discounts[0].order_level
    assert "draft_order" == whole.reference.kind


def test_a_tax_of_the_whole_order_is_spread_over_its_lines(samples: Path) -> None:
    """Old payloads state taxes once; each line gets its part, and the parts are the tax."""
    imported = only(read_orders(sample(samples, "py_order")))
    assert [398, 398, 398] == [line.tax.minor for line in imported.priced.lines]
    assert Money(1194, USD) == imported.priced.tax == imported.claims.amount(Check.TAX)


def test_an_answer_with_few_fields_is_enough(samples: Path) -> None:
    """Without a currency of its own, the order has that of its prices."""
    imported = only(read_orders(sample(samples, "rb2024_01_order_get_orders_450789469_1")))
    assert USD is imported.priced.currency
    assert Money(59894, USD) == imported.priced.total
    assert imported.updated_at is None


def test_a_fulfilment_says_what_was_sent_and_how_to_follow_it(samples: Path) -> None:
    """Neutral words, Shopify's own beside them, and tracking numbers that fit on one line."""
    (sent,) = read_fulfilments(
        sample(samples, "rb2024_01_fulfillment_post_fulfillments_1069019871_cancel_1")
    )
    assert (FulfilmentState.CANCELLED, "cancelled", None) == (
        sent.state,
        sent.raw_state,
        sent.parcel,
    )
    assert [("1071823178", 1)] == [(line.line, line.quantity) for line in sent.lines]
    assert ("UPS", ("#☠1☢ --- 4321",)) == (sent.tracking_company, sent.tracking_numbers)
    (inside,) = read_fulfilments(sample(samples, "py_order"))
    assert FulfilmentState.FAILED is inside.state


def test_words_of_a_newer_version_are_kept_and_marked() -> None:
    """An unknown status is no crash: the raw word stays, the neutral one says unknown."""
    (sent,) = read_fulfilments(
        json.dumps(
            {
                "fulfillment": {
                    "id": 1,
                    "order_id": 2,
                    "status": "beamed",
                    "shipment_status": "teleported",
                    "created_at": "2024-01-02T08:59:11-05:00",
                    "line_items": [],
                }
            }
        )
    )
    assert (FulfilmentState.UNKNOWN, "beamed") == (sent.state, sent.raw_state)
    assert (ParcelStatus.UNKNOWN, "teleported") == (sent.parcel, sent.raw_parcel)
    imported = only(read_orders(order(financial_status="half_paid_in_gold")))
    assert [("$.order.financial_status", "half_paid_in_gold")] == [
        (status.field, status.raw) for status in imported.unknown_statuses
    ]


def test_transactions_are_neutral(samples: Path) -> None:
    """Kind, status and amount in neutral words; card data are not even read."""
    found = read_transactions(
        sample(samples, "rb2024_01_transaction_get_orders_450789469_transactions_1")
    )
    assert [
        (TransactionKind.REFUND, TransactionStatus.SUCCEEDED, Money(20900, USD), "801038806"),
        (TransactionKind.AUTHORISE, TransactionStatus.SUCCEEDED, Money(59894, USD), None),
        (TransactionKind.CAPTURE, TransactionStatus.SUCCEEDED, Money(25094, USD), "389404469"),
    ] == [(each.kind, each.status, each.amount, each.parent) for each in found]
    assert "4242" not in repr(found)
    with pytest.raises(PayloadError, match=r"\$\[0\]\.currency: it is missing"):
        read_transactions(sample(samples, "py_transactions"))


def test_refunds_are_checked_against_their_lines_and_their_money(samples: Path) -> None:
    """A proposal is capped by what can be refunded; a refund of shipping balances."""
    (proposed,) = read_refunds(
        sample(samples, "rb2024_01_refund_post_orders_450789469_refunds_calculate_1")
    )
    assert (None, (), ()) == (proposed.id, proposed.moved, proposed.discrepancies)
    assert Money(500, USD) == proposed.adjustments[0].amount
    (shipping,) = read_refunds(sample(samples, "rb2024_01_refund_post_orders_450789469_refunds_3"))
    assert (Money(500, USD), ()) == (shipping.moved[0].amount, shipping.discrepancies)
    (old,) = read_refunds(sample(samples, "py_refund"))
    assert [Money(19900, USD), Money(19900, USD)] == [line.amount for line in old.lines]
    assert [Check.REFUNDED] == [each.check for each in old.discrepancies]


# --- orders made here ---------------------------------------------------------------------------


def line(**changes: object) -> Json:
    """A line item of 3 x 3.33."""
    return {"id": 1, "variant_id": 11, "quantity": 3, "price": "3.33", **changes}


def order(*lines: Json, **changes: object) -> str:
    """An order with these lines, in euro."""
    fields = {"id": 9, "currency": "EUR", "line_items": list(lines) or [line()]}
    return json.dumps({"order": {**fields, **changes}})


def test_gift_cards_and_things_that_are_not_shipped() -> None:
    """A gift card is a liability without tax; what needs no shipping needs no fulfilment."""
    imported = only(read_orders(order(line(gift_card=True, requires_shipping=False))))
    (gift,) = imported.priced.lines
    assert (LineKind.GIFT_CARD, False) == (gift.kind, gift.needs_fulfilment)


def test_taxes_inside_the_prices_stay_inside() -> None:
    """Where taxes are included, the total is the sum of the prices."""
    tax = [{"title": "VAT", "price": "1.60", "rate": "0.19"}]
    imported = only(
        read_orders(
            order(line(tax_lines=tax), taxes_included=True, tax_lines=tax, total_price="9.99")
        )
    )
    assert (Money(999, EUR), Money(839, EUR)) == (imported.priced.total, imported.priced.net)
    assert () == imported.discrepancies


def test_tips_duties_fees_and_shipping_are_charges() -> None:
    """All that is charged besides goods has its kind; duties are borne by their own line."""
    bag = {"shop_money": {"amount": "2.00", "currency_code": "EUR"}}
    imported = only(
        read_orders(
            order(
                line(duties=[bag]),
                line(id=2),
                total_tip_received="1.00",
                original_total_additional_fees_set=bag,
                shipping_lines=[
                    {
                        "id": 5,
                        "price": "5.00",
                        "title": "Post",
                        "discount_allocations": [{"amount": "1.50"}],
                        "tax_lines": [{"title": "VAT", "price": "0.70", "rate": 0.2}],
                    }
                ],
                total_price="29.18",
                total_shipping_price_set={"shop_money": {"amount": "5.00", "currency_code": "EUR"}},
                total_discounts="1.50",
            )
        )
    )
    assert [ChargeKind.SHIPPING, ChargeKind.DUTY, ChargeKind.TIP, ChargeKind.FEE] == [
        charge.kind for charge in imported.priced.charges
    ]
    assert ["1"] == [share.line for share in imported.priced.charges[1].shares]
    assert () == imported.discrepancies


def test_an_amount_stated_twice_must_be_the_same_twice() -> None:
    """The shop's side of a pair of amounts is compared with the plain field."""
    both = {
        "shop_money": {"amount": "10.00", "currency_code": "EUR"},
        "presentment_money": {"amount": "1500", "currency_code": "JPY"},
    }
    imported = only(read_orders(order(total_price="9.99", total_price_set=both)))
    assert [(Check.SHOP_MONEY, Money(1000, EUR), Money(999, EUR))] == [
        (each.check, each.claimed, each.computed) for each in imported.discrepancies
    ]
    assert [(Money(1000, EUR), Money(1500, JPY))] == [
        (pair.shop, pair.presentment) for pair in imported.presentment
    ]


def test_a_refund_of_some_units_may_be_any_units() -> None:
    """One of three units at 10.00 together is worth 3.33 or 3.34; 3.35 is a discrepancy."""

    def refund(subtotal: str) -> str:
        row = {
            "id": 1,
            "line_item_id": 1,
            "quantity": 1,
            "subtotal": subtotal,
            "total_tax": "0.00",
            "line_item": {
                "quantity": 3,
                "price": "3.34",
                "discount_allocations": [{"amount": "0.02"}],
            },
        }
        return json.dumps({"refund": {"currency": "EUR", "refund_line_items": [row]}})

    for good in ("3.33", "3.34"):
        assert () == read_refunds(refund(good))[0].discrepancies
    assert [(Check.LINE, Money(335, EUR), Money(333, EUR))] == [
        (each.check, each.claimed, each.computed)
        for each in read_refunds(refund("3.35"))[0].discrepancies
    ]


WRONG: Final[list[tuple[str, str]]] = [
    ("[1]", "$[0]"),
    ("{}", "$"),
    (order(line(quantity=0)), "$.order.line_items[0].quantity"),
    (order(line(quantity=-5)), "$.order.line_items[0].quantity"),
    (order(line(quantity="3")), "$.order.line_items[0].quantity"),
    (order(line(quantity=1.5)), "$.order.line_items[0].quantity"),
    (order(line(quantity=None)), "$.order.line_items[0].quantity"),
    (order(line(price="-1.00")), "$.order.line_items[0]"),
    (order(line(price="1,00")), "$.order.line_items[0].price"),
    (order(line(price="1.005")), "$.order.line_items[0].price"),
    (order(line(price={})), "$.order.line_items[0].price"),
    (order(line(name="x" * 1_000_000)), "$.order.line_items[0].name"),
    (order(line(name=7)), "$.order.line_items[0].name"),
    (order(line(tax_lines=[{"price": "1.00", "rate": 11}])), "$.order.line_items[0].tax_lines[0]"),
    (order(line(tax_lines="none")), "$.order.line_items[0].tax_lines"),
    (
        order(line(discount_allocations=[{"amount": "0.00"}, {"amount": "x"}])),
        "$.order.line_items[0].discount_allocations[1].amount",
    ),
    (order(line(discount_allocations=[{"amount": "10.00"}])), "$.order"),
    (order(line(gift_card=True, tax_lines=[{"price": "1.00"}])), "$.order.line_items[0]"),
    (order(line(), line()), "$.order"),
    (order(line(id=None)), "$.order.line_items[0].id"),
    (order(line_items=[]), "$.order.line_items"),
    (order(line_items=None), "$.order.line_items"),
    (order(currency="euro"), "$.order.currency"),
    (order(currency=None), "$.order.currency"),
    (order(id=None), "$.order.id"),
    (order(updated_at="yesterday"), "$.order.updated_at"),
    (order(updated_at="2024-01-02T08:59:11"), "$.order.updated_at"),
    (order(total_price=True), "$.order.total_price"),
    (order(shipping_lines=[{"price": "x"}]), "$.order.shipping_lines[0].price"),
    (order(customer=[]), "$.order.customer"),
    (order(line(quantity=10**12, price="99999999999.00")), "$.order"),
]


@pytest.mark.parametrize(("raw", "path"), WRONG)
def test_a_bent_order_is_refused_by_its_path(raw: str, path: str) -> None:
    """Whatever is wrong with an order, the error is typed and says where."""
    with pytest.raises(PayloadError) as caught:
        read_orders(raw)
    assert path == caught.value.path


def test_many_lines_with_many_discounts_cost_little() -> None:
    """Work grows with the length of the payload, not with lines times discounts."""
    part = {"amount": "0.01", "discount_application_index": 9_999}
    lines = [line(id=number, discount_allocations=[part]) for number in range(5_000)]
    raw = order(*lines, discount_applications=[{"id": 1}] * 10_000)
    started = time.process_time()
    imported = only(read_orders(raw))
    assert time.process_time() - started < 5
    assert "discount-9999" == imported.priced.lines[0].discounts[0].code


@pytest.mark.parametrize("new", BAD_VALUES)
def test_no_changed_field_makes_it_fall_over(samples: Path, new: object) -> None:
    """Every field of real payloads is replaced in turn: read, or refused by a path."""
    for name in ("rb2024_01_order_post_orders_12", "rb2024_01_draft_order_post_draft_orders_2"):
        path = samples / f"{name}.json"
        found = outcomes(cast("Callable[[str], object]", reader_of(path)), path.read_bytes(), new)
        assert all(found.values()), (name, found)


@pytest.mark.parametrize("new", BAD_VALUES)
def test_neither_do_refunds_and_fulfilments(samples: Path, new: object) -> None:
    """The same for what follows an order."""
    for name in ("refund_get_orders_450789469_refunds_1", "fulfillment_post_fulfillments_1"):
        path = samples / f"rb2024_01_{name}.json"
        found = outcomes(cast("Callable[[str], object]", reader_of(path)), path.read_bytes(), new)
        assert all(found.values()), (name, found)
