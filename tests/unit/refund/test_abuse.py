"""
What hostile code may hand to refunds (the catalogue's rows 42 to 48 and 52).

The named rows at each entry point, and every field and argument with every bad value, as
`tests/unit/pricing/test_abuse.py` does it for prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, Final

import pytest
from attrs import evolve, frozen

from ordercore.errors import OrderCoreError
from ordercore.ids import CreditId, LineId, TenderId
from ordercore.money import USD, CurrencyMismatchError, Money, NegativeAmountError
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.quote import quote_refund
from ordercore.pricing.discounts import OrderDiscount, PercentOff
from ordercore.pricing.slots import NO_SLOTS, InvalidSlotsError, SlotSet
from ordercore.pricing.values import UnknownLineError
from ordercore.refund.calculate import (
    AlreadyCreditedError,
    CreditExceedsWorthError,
    RefundBasis,
    UnknownChargeError,
    calculate,
    cancel_credit,
    dispatched_worth,
    fingerprint,
)
from ordercore.refund.ledger import claimable, owed, to_pay_back
from ordercore.refund.model import (
    ChargeCredit,
    Credit,
    CreditCause,
    CreditPart,
    InvalidRefundError,
    PriceReduction,
    RefundItem,
    RefundQuote,
    RefundRequest,
    TenderShare,
)
from ordercore.refund.policy import (
    EarnedByAmount,
    EarnedByUnits,
    Fee,
    FreightFee,
    GiveBack,
    GoodsReturned,
    PercentFee,
    PromotionRule,
    RefundPolicy,
    ReturnFee,
    UnitFee,
)
from ordercore.refund.tenders import (
    Held,
    InProportion,
    KindsFirst,
    OriginalFirst,
    RefundExceedsHeldError,
    ReverseOrder,
    TenderBalance,
    TenderOrder,
    ToTender,
    destinations,
)
from tests.laws.order_world import Shop
from tests.laws.order_world import line as sold
from tests.unit.pricing.shop import eur, line, loose, priced, shipping, vat
from tests.unit.pricing.test_abuse import BAD, tried

A: Final = LineId("a")
ONE: Final = SlotSet.of(0, 1)
ORDER: Final = priced(
    line("a", 1000, 3, taxes=[vat(20)], included=True),
    charges=[shipping(400, taxes=[vat(20)])],
)
"""Three units at 10.00 incl., and shipping of 4.00 plus tax: 34.80."""
PAID: Final = RefundBasis(priced=ORDER, held=ORDER.total)
UNIT: Final = RefundRequest(
    id=CreditId("C"), cause=CreditCause.RETURNED, items=(RefundItem(line=A, slots=ONE),)
)
GOODWILL: Final = RefundRequest(id=CreditId("G"), cause=CreditCause.GOODWILL, goodwill=eur(100))
CREDIT: Final = calculate(PAID, UNIT).credit


def tender(name: str, captured: int, gone: int = 0) -> TenderBalance:
    """A tender that captured so much, and gave so much back."""
    return TenderBalance(
        tender=TenderId(name),
        kind=name,
        captured=eur(captured),
        refunded=eur(gone),
        in_flight=eur(0),
        disputed=eur(0),
    )


CARD: Final = tender("card", 3000)
GIFT: Final = tender("gift_card", 480)


def reduction(amount: Money, slots: SlotSet = ONE) -> RefundRequest:
    """A price reduction of so much."""
    part = PriceReduction(line=A, slots=slots, amount=amount)
    return RefundRequest(id=CreditId("R"), cause=CreditCause.PRICE_REDUCTION, reductions=(part,))


def of_charge(amount: Money | None) -> RefundRequest:
    """So much of the shipping."""
    part = ChargeCredit(charge="shipping", amount=amount)
    return RefundRequest(id=CreditId("S"), cause=CreditCause.CLAIM, charges=(part,))


def kindness(amount: Money) -> RefundRequest:
    """Goodwill of so much."""
    return evolve(GOODWILL, goodwill=amount)


@frozen(kw_only=True)
class CardOnly(TenderOrder):
    """A host's own strategy that pays a gift card's share out in cash."""

    def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
        return [minor if one.kind == "card" else 0 for one in held]


@frozen(kw_only=True)
class Greedy(Fee):
    """A host's own fee that says nonsense."""

    said: Money

    def amount_kept(self, on: GoodsReturned) -> Money:
        del on
        return self.said


def under(policy: RefundPolicy, *tenders: TenderBalance) -> RefundQuote:
    """All three units back."""
    basis = evolve(PAID, tenders=tenders)
    item = RefundItem(line=A, slots=SlotSet.of(0, 3))
    return calculate(basis, evolve(UNIT, items=(item,)), policy)


def again(request: RefundRequest) -> object:
    """The same request once more, after it was granted."""
    done = calculate(PAID, request).credit
    return calculate(evolve(PAID, credits=(done,)), evolve(request, id=CreditId("again")))


CURRENCY: Final = Money(100, USD)
DOLLARS: Final = Credit(
    id=CreditId("D"),
    cause=CreditCause.GOODWILL,
    parts=(CreditPart(component="goodwill", amount=CURRENCY, rule="r"),),
)
DOLLAR_CARD: Final = TenderBalance(
    tender=TenderId("d"),
    kind="card",
    captured=CURRENCY,
    refunded=CURRENCY * 0,
    in_flight=CURRENCY * 0,
    disputed=CURRENCY * 0,
)
Kinds = type[OrderCoreError] | tuple[type[OrderCoreError], ...]
ROWS: Final[list[tuple[int, str, Callable[[], object], Kinds]]] = [
    (
        42,
        "goodwill above the charges",
        lambda: calculate(PAID, evolve(GOODWILL, goodwill=eur(3481))),
        CreditExceedsWorthError,
    ),
    (
        42,
        "a reduction above the unit",
        lambda: calculate(PAID, reduction(eur(1001))),
        CreditExceedsWorthError,
    ),
    (
        42,
        "more than the shipping",
        lambda: calculate(PAID, of_charge(eur(481))),
        CreditExceedsWorthError,
    ),
    (42, "the same unit in two steps", lambda: again(UNIT), AlreadyCreditedError),
    (
        42,
        "the same goodwill in two steps",
        lambda: again(evolve(GOODWILL, goodwill=eur(1800))),
        CreditExceedsWorthError,
    ),
    (42, "the same shipping in two steps", lambda: again(of_charge(None)), CreditExceedsWorthError),
    (
        42,
        "one unit too many",
        lambda: calculate(PAID, evolve(UNIT, items=(RefundItem(line=A, slots=SlotSet.of(2, 4)),))),
        InvalidSlotsError,
    ),
    (
        42,
        "a unit of another order",
        lambda: calculate(PAID, evolve(UNIT, items=(RefundItem(line=LineId("b"), slots=ONE),))),
        UnknownLineError,
    ),
    (
        42,
        "a charge of another order",
        lambda: calculate(PAID, evolve(of_charge(None), charges=(ChargeCredit(charge="tip"),))),
        UnknownChargeError,
    ),
    (
        42,
        "more than the tenders hold",
        lambda: destinations(eur(3481), (CARD, GIFT), ReverseOrder()),
        RefundExceedsHeldError,
    ),
    (
        42,
        "what was refunded before",
        lambda: destinations(eur(481), (tender("card", 3000, 3000), GIFT), OriginalFirst()),
        RefundExceedsHeldError,
    ),
    *(
        (
            43,
            f"{words} of {minor}",
            partial(call, eur(minor)),
            (InvalidRefundError, NegativeAmountError),
        )
        for minor in (0, -1)
        for words, call in (
            ("a reduction", reduction),
            ("a charge", of_charge),
            ("goodwill", kindness),
        )
    ),
    (43, "a fee below zero", lambda: UnitFee(name="f", amount=eur(-1)), NegativeAmountError),
    (
        43,
        "a host's fee below zero",
        lambda: under(RefundPolicy(fees=(Greedy(name="f", said=eur(-1)),))),
        NegativeAmountError,
    ),
    (
        43,
        "a destination below zero",
        lambda: destinations(eur(-1), (CARD,), ReverseOrder()),
        NegativeAmountError,
    ),
    (
        45,
        "goodwill in dollars",
        lambda: calculate(PAID, evolve(GOODWILL, goodwill=CURRENCY)),
        CurrencyMismatchError,
    ),
    (
        45,
        "a reduction in dollars",
        lambda: calculate(PAID, reduction(CURRENCY)),
        CurrencyMismatchError,
    ),
    (
        45,
        "shipping in dollars",
        lambda: calculate(PAID, of_charge(CURRENCY)),
        CurrencyMismatchError,
    ),
    (
        45,
        "a fee in dollars",
        lambda: under(RefundPolicy(fees=(ReturnFee(name="f", amount=CURRENCY),))),
        CurrencyMismatchError,
    ),
    (
        45,
        "a host's fee in dollars",
        lambda: under(RefundPolicy(fees=(Greedy(name="f", said=CURRENCY),))),
        CurrencyMismatchError,
    ),
    (
        45,
        "a promotion in dollars",
        lambda: calculate(
            PAID, UNIT, RefundPolicy(promotions=(EarnedByAmount(code="P", least=CURRENCY),))
        ),
        CurrencyMismatchError,
    ),
    (
        45,
        "held in dollars",
        lambda: RefundBasis(priced=ORDER, held=CURRENCY),
        CurrencyMismatchError,
    ),
    (
        45,
        "earlier dues in dollars",
        lambda: RefundBasis(priced=ORDER, earlier_due=CURRENCY),
        CurrencyMismatchError,
    ),
    (
        45,
        "a credit in dollars",
        lambda: calculate(RefundBasis(priced=ORDER, credits=(DOLLARS,)), GOODWILL),
        CurrencyMismatchError,
    ),
    (
        45,
        "a tender in dollars",
        lambda: destinations(eur(1), (DOLLAR_CARD,), ReverseOrder()),
        CurrencyMismatchError,
    ),
    (
        45,
        "a tender of two currencies",
        lambda: evolve(CARD, captured=CURRENCY),
        CurrencyMismatchError,
    ),
    (
        47,
        "a disputed card",
        lambda: destinations(eur(1), (evolve(CARD, disputed=eur(3000)),), ReverseOrder()),
        RefundExceedsHeldError,
    ),
    (
        48,
        "a gift card's share in cash",
        lambda: under(RefundPolicy(tenders=CardOnly()), CARD, GIFT),
        InvalidRefundError,
    ),
]


@pytest.mark.parametrize(
    ("call", "kinds"), [row[2:] for row in ROWS], ids=[f"row {row[0]}-{row[1]}" for row in ROWS]
)
def test_a_row_of_the_catalogue_is_refused(call: Callable[[], object], kinds: Kinds) -> None:
    """The named error, in under 50 ms, without a word of the input."""
    assert isinstance(tried(call), kinds)


WRONG: Final = {
    "a reduction in dollars": reduction(CURRENCY),
    "shipping in dollars": of_charge(CURRENCY),
    "goodwill in dollars": evolve(GOODWILL, goodwill=CURRENCY),
    "a reduction above the unit": reduction(eur(1001)),
    "goodwill above the charges": evolve(GOODWILL, goodwill=eur(4000)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_refused_quote_leaves_an_order_as_it_was(wrong: RefundRequest) -> None:
    """Rows 42 and 45 through the service and the pure facade: nothing is written."""
    shop = Shop()
    shop.receive("a", 3)
    order = shop.send_all(shop.place(sold("a", 3)).id)
    before = list(shop.service.history(order.id))
    assert tried(lambda: shop.service.quote_refund(order.id, wrong)) is not None
    assert tried(lambda: quote_refund(order, wrong, shop.clock.now)) is not None
    quote = shop.service.quote_refund(order.id, ((A, ONE),))
    forged = evolve(quote, request=wrong)
    assert tried(lambda: shop.do(order.id, oc.Refund(quote=forged))) is not None
    assert before == list(shop.service.history(order.id))
    assert order == shop.load(order.id)


def test_refunds_line_by_line_sum_to_the_total() -> None:
    """Row 44: three lines of 0.33 less 10 %, with tax on top: no cent is left or too many."""
    off = OrderDiscount(discount=PercentOff(code="TENTH", rate=Fraction(1, 10)))
    order = priced(*(line(name, 33, 3, taxes=[vat(19)]) for name in "abc"), discounts=[off])
    basis = RefundBasis(priced=order, held=order.total)
    for number, (name, unit) in enumerate((n, u) for n in "abc" for u in (1, 0, 2)):
        item = RefundItem(line=LineId(name), slots=SlotSet.of(unit, unit + 1))
        asked = evolve(UNIT, id=CreditId(f"C{number}"), items=(item,))
        basis = evolve(basis, credits=(*basis.credits, calculate(basis, asked).credit))
    assert order.total == sum((credit.amount for credit in basis.credits), eur(0))


def test_a_refund_and_a_chargeback_of_the_same_money() -> None:
    """Row 47: what a dispute holds is not sent back a second time, open or lost."""
    full = evolve(PAID, tenders=(tender("card", 3480),))
    everything = evolve(UNIT, items=(RefundItem(line=A, slots=SlotSet.of(0, 3)),))
    disputed = evolve(
        full, disputed=eur(3480), tenders=(evolve(full.tenders[0], disputed=eur(3480)),)
    )
    assert eur(0) == calculate(disputed, everything).pay_back
    lost = evolve(disputed, held=eur(0), disputed=eur(0))
    assert eur(0) == calculate(lost, everything).pay_back
    assert eur(3480) == calculate(full, everything).pay_back


@pytest.mark.parametrize("order", [ReverseOrder(), OriginalFirst(), InProportion(), KindsFirst()])
def test_a_gift_card_gets_its_own_share_back(order: TenderOrder) -> None:
    """Row 48: all units back: to each tender exactly what it paid, whatever the strategy."""
    quote = under(RefundPolicy(tenders=order), CARD, GIFT)
    shares = {share.tender: share.amount for share in quote.destinations}
    assert {"card": eur(3000), "gift_card": eur(480)} == shares


@pytest.mark.parametrize("units", [1, 2, 3])
def test_part_of_buy_two_get_one_is_priced_again(units: int) -> None:
    """Row 52: three for two; 0, 10.00 and 20.00 come back, never less than nothing."""
    off = OrderDiscount(discount=PercentOff(code="3FOR2", rate=Fraction(1, 3)))
    order = priced(line("a", 1000, 3), discounts=[off])
    policy = RefundPolicy(promotions=(EarnedByUnits(code="3FOR2", units=3),))
    basis = RefundBasis(priced=order, held=order.total)
    item = RefundItem(line=A, slots=SlotSet.of(0, units))
    quote = calculate(basis, evolve(UNIT, items=(item,)), policy)
    assert eur((units - 1) * 1000) == quote.credit.amount
    assert quote.credit.amount >= eur(0)


# --- every argument with every bad value ---

SHARED: Final[dict[str, Any]] = {"name": "f", "tax": vat(20), "causes": (CreditCause.RETURNED,)}
GOOD: Final[dict[Callable[..., object], dict[str, Any]]] = {
    CreditPart: {
        "component": "goods",
        "code": "",
        "charge": "",
        "line": "a",
        "slots": ONE,
        "amount": eur(1),
        "adjusts": False,
        "rule": "r",
    },
    Credit: {"id": "c", "cause": CreditCause.RETURNED, "parts": CREDIT.parts, "reason": ""},
    RefundItem: {"line": "a", "slots": ONE},
    ChargeCredit: {"charge": "shipping", "amount": eur(1)},
    PriceReduction: {"line": "a", "slots": ONE, "amount": eur(1)},
    RefundRequest: {
        "id": "c",
        "cause": CreditCause.RETURNED,
        "items": UNIT.items,
        "charges": (),
        "reductions": (),
        "goodwill": eur(1),
        "reason": "",
    },
    TenderShare: {"tender": "t", "amount": eur(1), "sent_to": "u", "bonus": eur(1)},
    PercentFee: {**SHARED, "rate": Fraction(1, 10)},
    UnitFee: {**SHARED, "amount": eur(1)},
    ReturnFee: {**SHARED, "amount": eur(1)},
    FreightFee: {**SHARED, "amount": eur(1)},
    EarnedByAmount: {"code": "P", "causes": (CreditCause.RETURNED,), "least": eur(1)},
    EarnedByUnits: {"code": "P", "units": 1, "lines": ("a",)},
    RefundPolicy: {
        "shipping": GiveBack.NEVER,
        "surcharges": GiveBack.NEVER,
        "cancelled": GiveBack.NEVER,
        "fees": (),
        "promotions": (),
        "goodwill_taxed": True,
        "tenders": ReverseOrder(),
    },
    TenderBalance: {
        "tender": "t",
        "kind": "card",
        "captured": eur(1),
        "refunded": eur(1),
        "in_flight": eur(1),
        "disputed": eur(1),
        "closed": False,
        "fallback": "u",
    },
    KindsFirst: {"kinds": ("card",), "then": ReverseOrder()},
    ToTender: {"tender": "t", "counted": ReverseOrder(), "bonus": Fraction(1, 10)},
    RefundBasis: {
        "priced": ORDER,
        "credits": (),
        "credited": {A: ONE},
        "dispatched": {A: ONE},
        "earlier_due": eur(1),
        "held": eur(1),
        "in_flight": eur(1),
        "disputed": eur(1),
        "tenders": (CARD,),
    },
    calculate: {"basis": PAID, "request": UNIT, "policy": RefundPolicy()},
    cancel_credit: {
        "basis": PAID,
        "request": evolve(UNIT, cause=CreditCause.CANCELLED),
        "policy": RefundPolicy(),
    },
    destinations: {"amount": eur(1), "tenders": (CARD,), "order": ReverseOrder()},
    owed: {"charged": eur(1), "credits_so_far": (CREDIT,)},
    claimable: {"owed_now": eur(1), "dispatched": eur(1), "earlier_due": eur(1)},
    to_pay_back: {"held": eur(1), "claim": eur(1), "in_flight": eur(1), "disputed": eur(1)},
    dispatched_worth: {"priced": ORDER, "earlier": (CREDIT,), "dispatched": {A: ONE}},
    fingerprint: {"basis": PAID},
}
ARGUMENTS: Final = [
    pytest.param(call, name, id=f"{getattr(call, '__qualname__', call)}-{name}")
    for call, arguments in GOOD.items()
    for name in arguments
]


LAST: Final = evolve(UNIT, items=(RefundItem(line=A, slots=SlotSet.of(2, 3)),))
KIND: Final = evolve(GOODWILL, id=CreditId("x"))


def beside(credit: Credit) -> object:
    """Goodwill after this credit."""
    return calculate(evolve(PAID, credits=(credit,)), KIND)


def alone(part: CreditPart) -> object:
    """Goodwill after a credit of this part."""
    return beside(Credit(id=CreditId("y"), cause=CreditCause.CLAIM, parts=(part,)))


USES: Final[dict[type, Callable[[Any], object]]] = {
    RefundRequest: lambda made: calculate(PAID, made),
    RefundItem: lambda made: calculate(PAID, requested(made)),
    ChargeCredit: lambda made: calculate(PAID, requested(made)),
    PriceReduction: lambda made: calculate(PAID, requested(made)),
    Fee: lambda made: under(RefundPolicy(fees=(made,))),
    PromotionRule: lambda made: under(RefundPolicy(promotions=(made,))),
    RefundPolicy: lambda made: under(made, CARD, GIFT),
    TenderBalance: lambda made: destinations(eur(0), (made,), ReverseOrder()),
    TenderOrder: lambda made: under(RefundPolicy(tenders=made), CARD, GIFT),
    RefundBasis: lambda made: calculate(made, LAST),
    Credit: beside,
    CreditPart: alone,
}


def used(call: Callable[..., object], arguments: dict[str, Any]) -> object:
    """Make the value, and use it: a request is quoted, a policy quotes, a tender gives."""
    made = loose(call, **arguments)
    for kind, use in USES.items():
        if isinstance(made, kind):
            return loose(use, made)
    return made


def requested(part: RefundItem | ChargeCredit | PriceReduction) -> RefundRequest:
    """A request for this part alone."""
    asked = RefundRequest(id=CreditId("P"), cause=CreditCause.CLAIM, goodwill=eur(1))
    match part:
        case RefundItem():
            return evolve(asked, items=(part,))
        case ChargeCredit():
            return evolve(asked, charges=(part,))
        case PriceReduction():
            return evolve(asked, reductions=(part,))


@pytest.mark.parametrize(("call", "name"), ARGUMENTS)
def test_no_argument_takes_a_bad_value_by_surprise(call: Callable[..., object], name: str) -> None:
    """Every bad value is fine or refused by an error of this library, in time, kept secret."""
    good = GOOD[call]
    used(call, good)
    for bad in (*BAD, NO_SLOTS, SlotSet.of(0, 10**12), ORDER, CREDIT):
        tried(partial(used, call, {**good, name: bad}))


def test_what_was_quoted_is_what_the_balance_says() -> None:
    """The sweep's own shop is a real one: its order owes what the quote leaves."""
    shop = Shop()
    shop.receive("a", 3)
    order = shop.send_all(shop.place(sold("a", 3)).id)
    after = shop.do(order.id, oc.Refund(quote=quote_refund(order, ((A, ONE),), shop.clock.now)))
    assert eur(2000) == balance(after.order).owed
