"""O-8: what a buyer wants to find on the papers, and what a delivery group says of itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from ordercore.adapters.sqlite import SqliteStore
from ordercore.codec.state import decode_state, encode_state
from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.ids import DocumentNumber, InvalidIdentifierError, LineId, OrderId
from ordercore.order import commands as oc
from ordercore.order.groups import CustomsItem, DeliveryGroup, InvalidGroupError
from ordercore.order.model import Order
from ordercore.order.party import BuyerReferences
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.cards import CardNumberError
from ordercore.ports.unit_of_work import AlreadyClaimedError
from tests.laws.order_world import BUYER, CARD, Shop, basket, line

TEA = LineId("tea")
PAN = "4111 1111 1111 1111"
NAMED = BuyerReferences(
    purchase_order="PO 4711/2026",
    cost_centre="KST-90",
    buyer_reference="04011000-12345-34",
    vat_id="DE123456789",
)
TERMS = Terms(release_automatically=False, invoice=InvoiceWhen.CONFIRMATION)
HOME = DeliveryGroup(id="home", units=((TEA, 1),))


def placed(shop: Shop) -> Order:
    """An order of a company, from a campaign on the web."""
    shop.receive("tea", 3)
    return shop.service.place(
        basket(line("tea", 3)),
        key="k",
        by=BUYER,
        terms=TERMS,
        tenders=(CARD,),
        channel="web",
        origin="spring mail",
        buyer=NAMED,
    ).order


def test_references_are_frozen_into_the_order_and_stand_on_its_invoices() -> None:
    """O-8, D-2: BT-10, BT-13, BT-19 and BT-48 of EN 16931, on invoice and credit note."""
    shop = Shop()
    order = placed(shop)
    assert (NAMED, "web", "spring mail") == (order.buyer, order.channel, order.origin)
    order = shop.do(order.id, oc.CancelUnits(units=((TEA, 1),))).order
    assert 2 == len(order.documents)
    for document in order.documents:
        assert NAMED == BuyerReferences(
            purchase_order=document.purchase_order,
            cost_centre=document.cost_centre,
            buyer_reference=document.buyer_reference,
            vat_id=document.buyer_vat_id,
        )
    assert order == decode_state(encode_state(order), Order)
    assert "DE123456789" not in repr(order)


def test_a_part_that_is_split_off_has_the_same_references() -> None:
    """O-7, O-8: the buyer finds the number on the papers of both."""
    shop = Shop()
    order = placed(shop)
    part = OrderId("o-S")
    shop.do(order.id, oc.SplitOrder(order=part, units=((TEA, 1),), tenders=(CARD,)))
    other = shop.load(part)
    assert (NAMED, "web", "spring mail") == (other.buyer, other.channel, other.origin)


@pytest.mark.parametrize("name", ["purchase_order", "cost_centre", "buyer_reference", "vat_id"])
@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (7, InvalidIdentifierError),
        (None, InvalidIdentifierError),
        (" PO", InvalidIdentifierError),
        ("PO\n1", InvalidIdentifierError),
        ("P\u200bO", InvalidIdentifierError),
        ("x" * 201, InvalidIdentifierError),
        (PAN, CardNumberError),
    ],
)
def test_a_reference_is_short_clean_text(
    name: str, bad: str, kind: type[InvalidValueError]
) -> None:
    """ABUSE 18, 36: no blanks around it, nothing invisible, and no card number."""
    with pytest.raises(kind) as caught:
        BuyerReferences(**{name: bad})
    assert "1111" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"units": None},
        {"units": 5},
        {"units": [(TEA, 1)]},
        {"units": ((TEA,),)},
        {"units": (TEA,)},
        {"units": ((TEA, 1, 2),)},
        {"units": ((5, 1),)},
        {"units": ((TEA, "1"),)},
        {"party": "aunt"},
        {"destination": "IT"},
        {"method": 5},
        {"method": "x" * 1001},
        {"wanted_on": "2026-12-24"},
        {"wanted_on": datetime(2026, 12, 24, tzinfo=UTC)},
        {"gift_message": None},
        {"gift_message": b"x"},
        {"incoterm": "DDP"},
        {"customs": None},
        {"customs": (TEA,)},
        {"partial": "complete"},
        {"partial": None},
        {"priority": "1"},
        {"priority": True},
        {"priority": 10**30},
    ],
    ids=repr,
)
def test_a_group_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    """O-8, X-4: by an error of the library that names the group, never by a raw one."""
    with pytest.raises(OrderCoreError):
        evolve(HOME, **change)


@pytest.mark.parametrize(
    "change",
    [{"line": 5}, {"tariff_code": 5}, {"origin_country": None}, {"description": "x" * 1001}],
)
def test_customs_data_with_a_wrong_field_are_refused(change: dict[str, Any]) -> None:
    """O-8, X-4: typed, and never read as something else."""
    with pytest.raises(OrderCoreError):
        evolve(CustomsItem(line=TEA), **change)


def test_customs_data_name_lines_of_the_order() -> None:
    """O-8: what customs hear is about goods that are in it."""
    shop = Shop()
    shop.receive("tea", 3)
    order = shop.place(line("tea", 3), terms=TERMS)
    other = evolve(HOME, customs=(CustomsItem(line=LineId("cup")),))
    with pytest.raises(OrderCoreError):
        shop.do(order.id, oc.ChangeGroups(groups=(other,)))


def test_card_numbers_in_words_of_a_delivery_are_masked() -> None:
    """PAY-8, ABUSE 36: gift messages are notes; nothing of them is refused, nothing is kept."""
    group = DeliveryGroup(
        id="aunt",
        units=((TEA, 1),),
        gift_message=f"Buy yourself something: {PAN}",
        method=PAN,
        wanted_on=date(2026, 12, 24),
        customs=(CustomsItem(line=TEA, description=PAN),),
    )
    for text in (group.gift_message, group.method, group.customs[0].description):
        assert "1111" not in text
        assert "card number removed" in text
    with pytest.raises(InvalidGroupError, match="aunt"):
        evolve(group, gift_message="x" * 1001)


def test_every_field_of_a_group_reaches_the_store() -> None:
    """O-8: party, method, day, message, incoterm, customs, preference and priority are kept."""
    shop = Shop()
    shop.receive("tea", 3)
    order = shop.place(line("tea", 3), terms=TERMS)
    group = evolve(HOME, method="express", gift_message="Happy birthday", priority=7)
    order = shop.do(order.id, oc.ChangeGroups(groups=(group,))).order
    assert (group,) == order.groups == shop.load(order.id).groups
    again = decode_state(encode_state(order), Order)
    assert again is not None
    assert (group,) == again.groups


@pytest.mark.parametrize("file", [False, True])
def test_a_host_may_give_the_number_of_an_order(file: bool, tmp_path: Path) -> None:  # of the table
    """O-1: one order has it, the series goes on without a gap, and lists show it."""
    shop = Shop()
    if file:
        shop.store = SqliteStore(tmp_path / "shop.db", clock=shop.clock)
        shop.service = shop.another()
    shop.receive("tea", 9)

    def place(key: str, number: str | None) -> Order:
        own = None if number is None else DocumentNumber(number)
        goods = basket(line("tea", 1))
        return shop.service.place(goods, key=key, by=BUYER, tenders=(CARD,), number=own).order

    order = place("a", "2026/4711")
    assert "2026/4711" == order.number == shop.load(order.id).number
    with pytest.raises(AlreadyClaimedError):
        place("b", "2026/4711")
    assert ["ORD-000001", "ORD-000002"] == [place("c", None).number, place("d", None).number]
    for bad in ("ORD-000003", "B-1234567", "", " 1", "x" * 101, PAN):
        with pytest.raises(InvalidValueError):
            place("e", bad)
