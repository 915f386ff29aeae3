"""Drafts and priced orders refuse what makes no sense, with a typed error and its facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.ids import Actor, InvalidIdentifierError, ItemId, LineId
from ordercore.moment import NaiveDatetimeError
from ordercore.money import (
    EUR,
    USD,
    CurrencyMismatchError,
    InvalidMoneyError,
    InvalidQuantityError,
    LimitExceededError,
    Money,
    NegativeAmountError,
)
from ordercore.pricing.discounts import AmountOff, FixedPrice, OrderDiscount, PercentOff
from ordercore.pricing.model import (
    ChargeKind,
    ChargeShare,
    Draft,
    LineKind,
    PricedCharge,
    PricedDiscount,
    PricedLine,
    PricedOrder,
    PricedTax,
    PriceOverride,
    QuantityRule,
    Tax,
    TaxCategory,
    UnitPrice,
)
from ordercore.pricing.policy import PricingPolicy
from ordercore.pricing.values import (
    DuplicateLineError,
    InvalidDraftError,
    InvalidPriceError,
    InvalidTaxError,
    PriceChangedError,
    UnknownLineError,
)
from tests.unit.pricing.shop import component, draft, eur, line, loose, priced, shipping, vat

BAD_QUANTITIES = [0, -1, -(2**63), 1.5, "3", True, None, Decimal(1)]


@pytest.mark.parametrize("quantity", BAD_QUANTITIES)
def test_a_quantity_is_a_whole_number_above_zero(quantity: object) -> None:
    """Zero, negative, broken, texts, bools and nothing are no quantity."""
    with pytest.raises(InvalidQuantityError):
        loose(evolve, line("a", 100), quantity=quantity)


@pytest.mark.parametrize("price", [-1, 19.99, "19.99", True, None, 5])
def test_a_price_is_money(price: object) -> None:
    """Numbers and texts are no price."""
    with pytest.raises(OrderCoreError):
        loose(evolve, line("a", 100), unit_price=price)
    with pytest.raises(OrderCoreError):
        loose(UnitPrice, price)


def test_a_price_below_zero_is_refused() -> None:
    """Of a unit, and of a charge."""
    with pytest.raises(InvalidPriceError):
        line("a", -1)
    with pytest.raises(InvalidPriceError):
        shipping(-1)
    with pytest.raises(InvalidPriceError):
        PricingPolicy(minimum_unit_price=eur(-1))


@pytest.mark.parametrize("per", [0, -1, 1.0, True, Decimal("sNaN")])
def test_a_price_is_for_a_whole_number_of_units(per: object) -> None:
    """Zero units have no price."""
    with pytest.raises(InvalidQuantityError):
        loose(UnitPrice, eur(1), per)


@pytest.mark.parametrize(
    "name", ["", " a", "a\x00", "a\u200b", "\u202ea", "x" * 10_000, 7, None, "\ud800"]
)
@pytest.mark.parametrize("field", ["id", "item", "sku"])
def test_identifiers_have_one_clean_form(field: str, name: object) -> None:
    """Invisible, endless and empty names are refused."""
    with pytest.raises(InvalidIdentifierError):
        loose(evolve, line("a", 100), **{field: name})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 7),
        ("title", "x" * 3_000),
        ("title", "a\x00b"),
        ("title", "half \ud83d"),
        ("category", None),
        ("kind", "goods"),
        ("returnable", 1),
        ("tax_included", "yes"),
        ("discountable", 0),
        ("minimum_age", -1),
        ("minimum_age", 200),
        ("weight_g", -1),
        ("weight_g", 1.5),
        ("weight_g", Decimal("sNaN")),
        ("taxes", "VAT"),
        ("taxes", (Fraction(1, 5),)),
        ("discounts", (eur(5),)),
        ("discounts", 5),
        ("components", (line("x", 1),)),
        ("override", "cheap"),
        ("minimum_unit_price", 3),
    ],
)
def test_every_field_of_a_line_is_checked(field: str, value: object) -> None:
    """A wrong type or an absurd value is an error of this library, at once."""
    with pytest.raises(OrderCoreError):
        loose(evolve, line("a", 100), **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "shipping"),
        ("title", None),
        ("amount", 5),
        ("tax_included", None),
        ("split_by_goods_rates", 1),
        ("lines", ()),
        ("lines", (1,)),
        ("id", ""),
    ],
)
def test_every_field_of_a_charge_is_checked(field: str, value: object) -> None:
    """The same for shipping and surcharges."""
    with pytest.raises(OrderCoreError):
        loose(evolve, shipping(100), **{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "EUR"),
        ("policy", None),
        ("lines", ()),
        ("lines", "lines"),
        ("lines", (1, 2)),
        ("discounts", (PercentOff(code="A", rate=Fraction(1)),)),
        ("charges", (1,)),
        ("quantity_rules", (1,)),
    ],
)
def test_every_field_of_a_draft_is_checked(field: str, value: object) -> None:
    """The same for the draft itself."""
    with pytest.raises(InvalidDraftError):
        loose(evolve, draft(line("a", 1)), **{field: value})


@pytest.mark.parametrize(
    "field",
    ["price_rounding", "percents", "rounds", "taxes_per", "tax_base", "included"],
)
def test_every_choice_of_a_policy_is_an_enum(field: str) -> None:
    """A text that looks like the choice is none."""
    with pytest.raises(InvalidDraftError):
        loose(PricingPolicy, **{field: "line"})


def test_lists_are_taken_for_tuples() -> None:
    """A list in, a tuple inside."""
    order = Draft(currency=EUR, lines=[line("a", 1)])
    assert order.lines == (line("a", 1),)


def test_a_naive_deadline_is_refused() -> None:
    """A quotation without a time zone has no end."""
    with pytest.raises(NaiveDatetimeError):
        Draft(currency=EUR, lines=(line("a", 1),), valid_until=datetime(2026, 1, 1))  # noqa: DTZ001


def test_too_many_lines_are_refused() -> None:
    """20,000 unless the host says otherwise, and never more than 100,000."""
    many = tuple(line(str(n), 1) for n in range(11))
    with pytest.raises(LimitExceededError) as caught:
        draft(*many, policy=PricingPolicy(max_lines=10))
    assert (caught.value.limit, caught.value.actual) == (10, 11)
    with pytest.raises(LimitExceededError):
        PricingPolicy(max_lines=100_001)
    kit = evolve(line("k", 1), components=tuple(component(str(n), 1) for n in range(11)))
    with pytest.raises(LimitExceededError):
        draft(kit, policy=PricingPolicy(max_lines=10))


def test_line_ids_are_unique() -> None:
    """Lines, components and charges; a component may not be called like a line."""
    with pytest.raises(DuplicateLineError):
        draft(line("a", 1), line("a", 2))
    with pytest.raises(DuplicateLineError):
        draft(line("a", 1), charges=[shipping(1), shipping(2)])
    kit = evolve(line("k", 1), components=(component("a", 1),))
    with pytest.raises(DuplicateLineError):
        draft(line("a", 1), kit)


def test_whoever_names_a_line_names_one_that_exists() -> None:
    """Discounts and charges on lines that are not there are refused."""
    off = OrderDiscount(discount=PercentOff(code="A", rate=Fraction(1)), lines=(LineId("x"),))
    with pytest.raises(UnknownLineError):
        draft(line("a", 1), discounts=[off])
    with pytest.raises(UnknownLineError):
        draft(line("a", 1), charges=[evolve(shipping(1), lines=(LineId("x"),))])


OVERRIDE = PriceOverride(price=UnitPrice(Money(1, USD)), actor=Actor("s"), reason="r")
MINIMUM = OrderDiscount(discount=AmountOff(code="A", amount=eur(1)), minimum_spend=Money(1, USD))
DOLLARS: list[Callable[[Money], object]] = [
    lambda usd: draft(line("a", usd)),
    lambda usd: draft(evolve(line("a", 1), minimum_unit_price=usd)),
    lambda _: draft(evolve(line("a", 1), override=OVERRIDE)),
    lambda _: draft(line("a", 1), discounts=[MINIMUM]),
    lambda usd: draft(line("a", 1), charges=[evolve(shipping(1), amount=usd)]),
    lambda usd: draft(line("a", 1, taxes=[evolve(vat(), amount=usd)])),
    lambda usd: draft(line("a", 1), policy=PricingPolicy(minimum_unit_price=usd)),
    lambda usd: priced(line("a", 1, discounts=[AmountOff(code="A", amount=usd)])),
    lambda usd: priced(line("a", 1, discounts=[FixedPrice(code="A", price=usd)])),
]


@pytest.mark.parametrize("build", DOLLARS)
def test_an_order_has_one_currency(build: Callable[[Money], object]) -> None:
    """A dollar in a draft in euros is refused wherever it stands."""
    with pytest.raises(CurrencyMismatchError):
        build(Money(1, USD))


def test_a_claimed_price_must_be_the_price() -> None:
    """Unless somebody overrides it, with a reason."""
    assert evolve(line("a", 100), claimed_price=eur(100)).claimed_price == UnitPrice(eur(100))
    with pytest.raises(PriceChangedError):
        evolve(line("a", 100), claimed_price=eur(99))
    override = PriceOverride(price=UnitPrice(eur(99)), actor=Actor("staff"), reason="promised")
    goods = evolve(line("a", 100), claimed_price=eur(99), override=override)
    assert priced(goods).total == eur(99)


def test_an_override_needs_an_actor_and_a_reason() -> None:
    """Nobody and no reason are refused."""
    with pytest.raises(InvalidDraftError):
        PriceOverride(price=UnitPrice(eur(1)), actor=Actor("a"), reason=" ")
    with pytest.raises(InvalidIdentifierError):
        PriceOverride(price=UnitPrice(eur(1)), actor=Actor(""), reason="r")
    with pytest.raises(InvalidIdentifierError):
        PriceOverride(price=UnitPrice(eur(1)), actor=Actor("a"), reason="r", approver=Actor(""))
    with pytest.raises(InvalidDraftError):
        loose(PriceOverride, price=eur(1), actor="a", reason="r")


# --- taxes ---


@pytest.mark.parametrize(
    "rate", [Fraction(-1, 100), Fraction(11), 0.2, "0.2", 1, True, None, Fraction(1, 10**19)]
)
def test_a_rate_is_an_exact_fraction(rate: object) -> None:
    """Floats, texts, ints, negative and absurd rates are refused."""
    with pytest.raises(InvalidTaxError):
        loose(Tax, code="V", rate=rate)


def test_what_is_not_taxed_has_no_rate() -> None:
    """An exemption of 20 % is a contradiction."""
    with pytest.raises(InvalidTaxError):
        Tax(code="E", category=TaxCategory.EXEMPT, rate=Fraction(1, 5))
    with pytest.raises(InvalidTaxError):
        Tax(code="E", category=TaxCategory.EXEMPT, amount=eur(1))
    with pytest.raises(InvalidTaxError):
        loose(Tax, code="E", amount=5)
    with pytest.raises(InvalidDraftError):
        loose(Tax, code="E", category="S")


def test_a_tax_code_stands_for_one_rate() -> None:
    """Twice on a line, or twice with different rates in a draft, is refused."""
    with pytest.raises(InvalidTaxError, match="only once"):
        line("a", 1, taxes=[vat(20, "V"), vat(10, "V")])
    with pytest.raises(InvalidTaxError, match="two rates"):
        draft(line("a", 1, taxes=[vat(20, "V")]), line("b", 1, taxes=[vat(10, "V")]))
    with pytest.raises(InvalidTaxError, match="two rates"):
        draft(line("a", 1, taxes=[vat(20, "V")]), charges=[shipping(1, taxes=[vat(10, "V")])])
    with pytest.raises(InvalidTaxError, match="goods' rates"):
        shipping(1, taxes=[vat()], split=True)


def test_a_gift_card_has_no_tax() -> None:
    """It is a liability; it has no components either, and no offers."""
    card = evolve(line("card", 5000), kind=LineKind.GIFT_CARD)
    with pytest.raises(InvalidTaxError):
        evolve(card, taxes=(vat(),))
    with pytest.raises(InvalidDraftError):
        evolve(card, components=(component("x", 1),))
    with pytest.raises(InvalidDraftError):
        evolve(card, discounts=(PercentOff(code="A", rate=Fraction(1, 10)),))
    with pytest.raises(InvalidDraftError):
        evolve(component("x", 1), kind=LineKind.GIFT_CARD)
    stated = AmountOff(code="A", amount=eur(1), verbatim=True)
    assert evolve(card, discounts=(stated,)).discounts == (stated,)


def test_a_kit_needs_values_and_no_stated_taxes() -> None:
    """Nothing to divide by, or a tax that would be stated once per component."""
    with pytest.raises(InvalidDraftError):
        evolve(line("k", 1), components=(component("a", 0),))
    with pytest.raises(InvalidQuantityError):
        component("a", -1)
    with pytest.raises(InvalidTaxError):
        evolve(line("k", 1, taxes=[evolve(vat(), amount=eur(1))]), components=(component("a", 1),))


# --- discounts ---


@pytest.mark.parametrize("rate", [Fraction(-1, 2), Fraction(101, 100), 0.1, 1])
def test_a_percentage_is_a_fraction_of_zero_to_one(rate: object) -> None:
    """More than everything, less than nothing, or a float."""
    with pytest.raises(InvalidDraftError, match="discount A cannot be used: its rate must be"):
        loose(PercentOff, code="A", rate=rate)


def test_discounts_check_their_fields() -> None:
    """Negative amounts, no amounts, units of nothing."""
    with pytest.raises(NegativeAmountError):
        AmountOff(code="A", amount=eur(-1))
    with pytest.raises(InvalidMoneyError):
        loose(AmountOff, code="A", amount=1)
    with pytest.raises(InvalidQuantityError):
        AmountOff(code="A", amount=eur(1), per_unit=True, units=0)
    with pytest.raises(InvalidDraftError):
        AmountOff(code="A", amount=eur(1), units=2)
    with pytest.raises(NegativeAmountError):
        FixedPrice(code="A", price=eur(-1))
    with pytest.raises(InvalidDraftError):
        loose(OrderDiscount, discount=eur(1))
    with pytest.raises(InvalidDraftError):
        OrderDiscount(discount=PercentOff(code="A", rate=Fraction(1)), lines=())
    with pytest.raises(NegativeAmountError):
        OrderDiscount(discount=PercentOff(code="A", rate=Fraction(1)), minimum_spend=eur(-1))
    with pytest.raises(InvalidIdentifierError):
        PercentOff(code="", rate=Fraction(1))


def test_an_adjustment_is_not_discounted() -> None:
    """It is stated as it is."""
    with pytest.raises(InvalidPriceError):
        evolve(
            shipping(-5, kind=ChargeKind.ADJUSTMENT),
            discounts=(PercentOff(code="A", rate=Fraction(1)),),
        )


def test_quantity_rules_check_their_fields() -> None:
    """A most below the least, and steps of nothing."""
    item = ItemId("i")
    with pytest.raises(InvalidQuantityError):
        QuantityRule(item=item, least=3, most=2)
    with pytest.raises(InvalidQuantityError):
        QuantityRule(item=item, step=0)


# --- priced orders built from outside ---


def priced_line() -> PricedLine:
    """A line of 2 × 5.00 less 1.00, with 1.50 tax on top."""
    source = line("a", 500, 2)
    return PricedLine(
        id=source.id,
        item=source.item,
        sku=source.sku,
        quantity=2,
        unit_price=source.unit_price,
        list_amount=eur(1000),
        discounts=(PricedDiscount(code="A", amount=eur(100)),),
        charged=eur(900),
        taxes=(PricedTax(code="V", rate=Fraction(1, 6), amount=eur(150)),),
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"charged": eur(901)}, InvalidPriceError),
        ({"discounts": (PricedDiscount(code="A", amount=eur(-100)),)}, InvalidPriceError),
        ({"list_amount": eur(50), "charged": eur(-50)}, InvalidPriceError),
        ({"taxes": (PricedTax(code="V", rate=Fraction(0), amount=eur(-1)),)}, InvalidPriceError),
        ({"taxes": (PricedTax(code="V", rate=Fraction(0), amount=eur(1)),) * 2}, InvalidTaxError),
        ({"list_amount": Money(1000, USD)}, CurrencyMismatchError),
        (
            {"taxes": (PricedTax(code="V", rate=Fraction(0), amount=Money(1, USD)),)},
            CurrencyMismatchError,
        ),
        ({"quantity": 0}, InvalidQuantityError),
    ],
)
def test_a_priced_line_adds_up(changes: dict[str, object], error: type[Exception]) -> None:
    """Whoever builds one by hand builds one whose parts sum."""
    assert priced_line().gross == eur(1050)
    with pytest.raises(error):
        loose(evolve, priced_line(), **changes)


def charge_of(*shares: ChargeShare) -> PricedCharge:
    """A charge of 1.00 with 0.20 tax and these shares."""
    return PricedCharge(
        id="s",
        list_amount=eur(100),
        charged=eur(100),
        taxes=(PricedTax(code="V", rate=Fraction(1, 5), amount=eur(20)),),
        shares=shares,
    )


def test_the_shares_of_a_charge_sum_to_it() -> None:
    """Its amount and each of its taxes; one share per line."""
    a, b = LineId("a"), LineId("b")
    whole = ChargeShare(line=a, charged=eur(100), taxes=(eur(20),))
    assert charge_of(whole).gross == eur(120)
    for shares in (
        (),
        (evolve(whole, charged=eur(99)),),
        (evolve(whole, taxes=(eur(19),)),),
        (evolve(whole, taxes=()),),
        (whole, ChargeShare(line=b, charged=eur(1), taxes=(eur(0),))),
    ):
        with pytest.raises(InvalidPriceError):
            charge_of(*shares)
    half = ChargeShare(line=a, charged=eur(50), taxes=(eur(10),))
    with pytest.raises(DuplicateLineError):
        charge_of(half, half)


def test_a_priced_order_belongs_together() -> None:
    """One currency, unique ids, and charges only on its own lines."""
    goods = priced_line()
    charge = charge_of(ChargeShare(line=goods.id, charged=eur(100), taxes=(eur(20),)))
    order = PricedOrder(currency=EUR, lines=(goods,), charges=(charge,))
    assert order.total == eur(1050 + 120)
    with pytest.raises(CurrencyMismatchError):
        PricedOrder(currency=USD, lines=(goods,))
    with pytest.raises(DuplicateLineError):
        PricedOrder(currency=EUR, lines=(goods, goods))
    with pytest.raises(DuplicateLineError):
        PricedOrder(currency=EUR, lines=(goods,), charges=(charge, charge))
    with pytest.raises(UnknownLineError):
        PricedOrder(currency=EUR, lines=(), charges=(charge,))


def test_what_is_looked_up_once_is_no_part_of_the_value() -> None:
    """Equality, copies and text do not see the caches of an order."""
    one, other = priced(line("a", 100)), priced(line("a", 100))
    assert one.total == eur(100)
    assert one.by_id
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)
    assert evolve(one, lines=()).total == eur(0)
