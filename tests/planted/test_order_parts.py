"""Wrong ways to divide an order, each of which the law of parts or of orders must notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import LineId
from ordercore.money import EUR, Money
from ordercore.order import linked
from ordercore.order.parts import parts_of
from ordercore.payment.events import PaymentRecorded, RefundRecorded
from ordercore.payment.policy import CaptureWhen
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import PricedLine, PricedOrder, Tax
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.service import elder
from tests.laws.order_world import eur, line
from tests.laws.test_order import Step, law_of_orders
from tests.laws.test_order_parts import Divide, Division, law_of_parts
from tests.laws.test_splits import law_of_splits

Slots = Mapping[LineId, SlotSet]


def whole() -> PricedOrder:
    """Two lines of three, a tax of 19 % on top, and shipping: nothing divides evenly."""
    vat = Tax(code="VAT", rate=Fraction(19, 100))
    goods = tuple(
        evolve(line(name, 3, unit), taxes=(vat,)) for name, unit in (("tea", 333), ("cup", 101))
    )
    shipping = Charge(id="post", amount=eur(500), taxes=(vat,))
    return price(Draft(currency=EUR, lines=goods, charges=(shipping,)))


DIVISION: Division = [
    {LineId("tea"): SlotSet.of(0, 1), LineId("cup"): SlotSet.of(0, 2)},
    {LineId("tea"): SlotSet.of(1, 3), LineId("cup"): SlotSet.of(2, 3)},
]


def each_line(change: object) -> Divide:
    """The right division, and then something done to each line of it."""

    def divide(priced: PricedOrder, parts: Iterable[Slots]) -> tuple[PricedOrder, ...]:
        right = parts_of(priced, parts)
        return tuple(
            evolve(part, lines=tuple(change(each) for each in part.lines))  # type: ignore[operator]  # a function of a line
            for part in right
        )

    return divide


def tax_from_the_rate(each: PricedLine) -> PricedLine:
    """The tax of each part is computed anew, and rounded by itself."""
    (tax,) = each.taxes
    return evolve(each, taxes=(evolve(tax, amount=each.charged.times(tax.rate)),))


def unit_price_times_quantity(each: PricedLine) -> PricedLine:
    """A cent is lost for each unit that is not the first."""
    less = each.charged - Money(each.quantity - 1, EUR)
    return evolve(each, charged=less, list_amount=less)


def charges_once_for_each_part(
    priced: PricedOrder, parts: Iterable[Slots]
) -> tuple[PricedOrder, ...]:
    """The second part pays no shipping, and nobody pays its share."""
    first, *others = parts_of(priced, parts)
    return first, *(evolve(part, charges=()) for part in others)


def last_part_twice(priced: PricedOrder, parts: Iterable[Slots]) -> tuple[PricedOrder, ...]:
    """Two parts are the same units."""
    right = parts_of(priced, parts)
    return *right[:-1], right[0]


@pytest.mark.parametrize(
    "bug",
    [
        each_line(tax_from_the_rate),
        each_line(unit_price_times_quantity),
        charges_once_for_each_part,
        last_part_twice,
    ],
    ids=["tax-anew", "cent-lost", "charges-lost", "part-twice"],
)
def test_a_wrong_division_is_caught(bug: Divide) -> None:
    """The law holds for this order, and falls with the bug."""
    law_of_parts(whole(), DIVISION)
    with pytest.raises(AssertionError):
        law_of_parts(whole(), DIVISION, bug)


STORY: list[Step] = [("place", 7, 1), ("split", 0, 1)]


def test_money_that_leaves_and_never_arrives_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The older order pays out, and the newer one is not paid."""
    law_of_orders(STORY)
    right = linked._brought

    def lost(*given: object) -> Iterator[Event]:
        events = right(*given)  # type: ignore[arg-type]  # passed on as they come
        return (event for event in events if not isinstance(event, PaymentRecorded))

    monkeypatch.setattr(linked, "_brought", lost)
    with pytest.raises(AssertionError):
        law_of_orders(STORY)


def test_money_that_goes_back_and_never_arrives_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A part gives its money up, and the order that it came from never hears of it."""
    story: list[Step] = [*STORY, ("cancel", 1, 0)]
    law_of_orders(story)
    right = linked.passed_back

    def lost(*given: object) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        paid_out, _ = right(*given)  # type: ignore[arg-type]  # passed on as they come
        return paid_out, ()

    monkeypatch.setattr(elder, "passed_back", lost)
    with pytest.raises(AssertionError):
        law_of_orders(story)


def test_money_that_arrives_and_never_left_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newer order is paid with money that the older one gives back to the card as well."""
    right = linked._paid_over

    def kept(*given: object) -> Iterator[Event]:
        events = right(*given)  # type: ignore[arg-type]  # passed on as they come
        return (event for event in events if not isinstance(event, RefundRecorded))

    monkeypatch.setattr(linked, "_paid_over", kept)
    with pytest.raises(AssertionError):
        law_of_orders(STORY)


def test_goodwill_that_gets_lost_on_the_way_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rest has no room for is charged again."""
    case = ((3, 2), 9, CaptureWhen.PLACEMENT)
    law_of_splits(*case, included=True)

    def lost(*_: object) -> Iterator[Event]:
        return iter(())

    monkeypatch.setattr(linked, "_forgiven", lost)
    with pytest.raises(AssertionError):
        law_of_splits(*case, included=True)
