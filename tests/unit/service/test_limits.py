from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import pytest

from ordercore.ids import CreditId, LineId, OrderId, TenderId
from ordercore.money import EUR, LimitExceededError
from ordercore.order import commands as oc
from ordercore.payment.model import Tender, TenderKind
from ordercore.ports.unit_of_work import AlreadyClaimedError
from ordercore.pricing.discounts import OrderDiscount, PercentOff
from ordercore.pricing.draft import Draft
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, PriceReduction, RefundRequest
from tests.laws.order_world import BUYER, CARD, Shop, basket, eur, line

FAST: Final = 0.05
TEA: Final = LineId("tea")
TEN: Final = PercentOff(code="TEN", rate=Fraction(1, 10))


def _tenders(count: int) -> tuple[Tender, ...]:
    cards = (
        Tender(id=TenderId(f"g{n}"), kind=TenderKind.GIFT_CARD, amount=eur(1)) for n in range(count)
    )
    return (*cards, CARD)


def _named(count: int) -> tuple[tuple[LineId, int], ...]:
    return tuple((LineId(f"l{n}"), 1) for n in range(count))


REFERENCES: Final = tuple(("erp", str(n)) for n in range(20_000))
MANY: Final = _named(100_000)


def _tags(count: int, kind: str) -> tuple[str, ...]:
    return tuple(f"{kind}{n}" for n in range(count))


def _reductions(count: int) -> tuple[PriceReduction, ...]:
    return tuple(
        PriceReduction(line=TEA, slots=SlotSet.of(n, n + 1), amount=eur(1)) for n in range(count)
    )


def _place(shop: Shop, **values: object) -> Callable[[], object]:
    loose: Callable[..., object] = shop.service.place
    given: dict[str, Any] = {"key": "k", "by": BUYER, "tenders": (CARD,), **values}
    return lambda: loose(basket(line("tea", 1)), **given)


HUGE: Final[dict[str, Callable[[Shop], Callable[[], object]]]] = {
    "references": lambda shop: _place(shop, references=REFERENCES),
    "coupons": lambda shop: _place(shop, coupons=_tags(20_000, "c")),
    "tenders": lambda shop: _place(shop, tenders=_tenders(900)),
    "units": lambda _: lambda: oc.CancelUnits(units=MANY),
    "removals": lambda _: lambda: oc.ProposeAmendment(proposal="p", removals=MANY),
    "split": lambda _: lambda: oc.SplitOrder(order=OrderId("s"), units=MANY),
    "tags": lambda _: lambda: oc.ChangeTags(add=_tags(5_000, "a"), remove=_tags(5_000, "r")),
}


@pytest.mark.parametrize("name", HUGE)
def test_too_many_parts_are_refused_in_no_time(name: str) -> None:
    """X-4: each list of a command has a named limit, and what is over it costs under 50 ms."""
    call = HUGE[name](Shop())
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        with pytest.raises(LimitExceededError):
            call()
        times.append(time.perf_counter() - start)
    assert min(times) < FAST


def test_too_many_reductions_are_refused() -> None:
    """X-4: parts of one line are weighed against each other, so there are not many of them."""
    with pytest.raises(LimitExceededError):
        RefundRequest(
            id=CreditId("c"), cause=CreditCause.PRICE_REDUCTION, reductions=_reductions(999)
        )


def test_too_many_shares_of_discounts_are_refused() -> None:
    """X-4: lines times discounts is what a price is made of, so the product is bound."""
    lines = tuple(line(f"l{n}", 1) for n in range(2_000))
    with pytest.raises(LimitExceededError):
        Draft(currency=EUR, lines=lines, discounts=(OrderDiscount(discount=TEN),) * 500)


@pytest.mark.parametrize("count", [1, 49])
def test_as_many_tenders_as_allowed_pay_an_order(count: int) -> None:
    """PAY-3: an order that many tenders pay comes to rest; its number is no trap."""
    shop = Shop()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1), tenders=_tenders(count))
    assert count + 1 == len(order.payment.tenders)


def test_a_claim_named_twice_is_found_among_many() -> None:
    """O-1: a coupon twice in one order is refused as if another order had it."""
    shop = Shop()
    shop.receive("tea", 1)
    twice = (*_tags(99, "c"), "c5")
    with pytest.raises(AlreadyClaimedError):
        _place(shop, coupons=twice)()
