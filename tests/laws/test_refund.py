"""
The laws of refunds (RULES RF-1 to RF-4), as functions that also judge a wrong calculation.

The central one: any sequence of refunds that gives everything back sums to exactly what was
charged, per component and per tax; no prefix is above it; and the sum does not depend on the
order (RF-3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import TypeAlias

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.ids import CreditId, LineId, TenderId
from ordercore.money import EUR, Money, follow, sum_money
from ordercore.pricing.discounts import AmountOff
from ordercore.pricing.draft import Draft
from ordercore.pricing.figures import amount_keys, amounts_upto, line_figures
from ordercore.pricing.model import PricedOrder, UnitPrice
from ordercore.pricing.policy import TaxBase
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.ledger import claimable, owed, to_pay_back
from ordercore.refund.model import (
    ChargeCredit,
    Credit,
    CreditCause,
    PriceReduction,
    RefundItem,
    RefundRequest,
)
from ordercore.refund.policy import (
    EarnedByAmount,
    EarnedByUnits,
    GiveBack,
    PercentFee,
    RefundPolicy,
)
from ordercore.refund.tenders import (
    InProportion,
    KindsFirst,
    OriginalFirst,
    RefundExceedsHeldError,
    ReverseOrder,
    TenderBalance,
    TenderOrder,
    destinations,
)
from ordercore.refund.worth import Key, Worth
from tests.laws.test_pricing import drafts
from tests.unit.pricing import shop
from tests.unit.pricing.shop import eur

EXAMPLES: int = max(500, getattr(settings(), "max_examples", 0))
LAW = settings(max_examples=EXAMPLES)

Slots: TypeAlias = Mapping[LineId, SlotSet]
CreditOf: TypeAlias = Callable[[RefundBasis, RefundRequest, RefundPolicy], Credit]


def credit_of(basis: RefundBasis, request: RefundRequest, policy: RefundPolicy) -> Credit:
    """The library's credit."""
    return calculate(basis, request, policy).credit


def asking(
    number: int, slots_of: Slots, cause: CreditCause = CreditCause.RETURNED
) -> RefundRequest:
    """A request for these slots."""
    items = tuple(RefundItem(line=name, slots=slots) for name, slots in slots_of.items() if slots)
    return RefundRequest(id=CreditId(f"C{number}"), cause=cause, items=items)


def charged_by_key(order: PricedOrder) -> dict[Key, int]:
    """Net and each tax of the goods and of every charge, in cents."""
    return by_key((key, minor) for _, key, minor in _amounts(order))


def _amounts(order: PricedOrder) -> Iterator[tuple[LineId, Key, int]]:
    for one in order.lines:
        found = amounts_upto(order, one.id, one.quantity)
        for key, minor in zip(amount_keys(order, one.id), found, strict=True):
            yield one.id, key, minor


def by_key(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """The sums, without zeros."""
    sums: dict[Key, int] = {}
    for key, minor in pairs:
        sums[key] = sums.get(key, 0) + minor
    return {key: minor for key, minor in sums.items() if minor}


def credited_by_key(credits_so_far: Iterable[Credit]) -> dict[Key, int]:
    """What parts that belong to slots give back, in cents."""
    return by_key(
        (part.key, part.amount.minor)
        for credit in credits_so_far
        for part in credit.parts
        if part.slots
    )


# --- the laws ---


def law_of_giving_back(
    order: PricedOrder,
    steps: Sequence[RefundRequest],
    policy: RefundPolicy,
    credit: CreditOf = credit_of,
) -> None:
    """Steps that give all units back sum to what was charged, per component and tax (RF-3)."""
    taken: tuple[Credit, ...] = ()
    total = 0
    for step in steps:
        one = credit(RefundBasis(priced=order, credits=taken), step, policy)
        assert one.amount.minor >= 0
        taken = (*taken, one)
        total += one.amount.minor
        assert total <= order.total.minor
    assert credited_by_key(taken) == charged_by_key(order)
    assert total == order.total.minor


def law_of_worth(order: PricedOrder, taken: tuple[Credit, ...], parts: Sequence[Slots]) -> None:
    """
    What is left of the slots of any partition sums to what is left of all; none below zero.

    But the net of a slot with included taxes may be, by a cent for each of its taxes (M-7). Taxed
    before discounts, goods may be all tax: then nothing is said of a single slot's net.
    """
    worth = Worth.after(order, taken)
    for one in order.lines:
        whole = worth.left(one.id, one.slots)
        pieces = [worth.left(one.id, part[one.id]) for part in parts if one.id in part]
        assert by_key(pair for piece in pieces for pair in piece.items()) == by_key(whole.items())
        if one.discounts and order.policy.tax_base is TaxBase.BEFORE_DISCOUNTS:
            continue
        for slot in list(one.slots)[:6]:
            left = worth.left(one.id, SlotSet.of(slot, slot + 1))
            assert min(left.values()) >= -len(one.taxes)
    values = sum(worth.value(one.id, one.slots).minor for one in order.lines)
    placed = sum(credited_by_key(taken).values())
    assert values == order.total.minor - placed


def law_of_ledgers(total: int, steps: Sequence[tuple[str, int]]) -> None:
    """
    Never more is paid back than held; nothing is held back that nobody may claim (RF-1).

    The steps are payments, credits and settled pay-backs, in any order.
    """
    zero = eur(0)
    held = credited = 0
    for kind, minor in steps:
        if kind == "pay":
            held += minor
        else:
            credited = min(credited + minor, total)
        claim = claimable(max(eur(total - credited), zero))
        back = to_pay_back(eur(held), claim=claim, in_flight=zero, disputed=zero)
        assert zero <= back <= eur(held)
        held -= back.minor
        assert held <= total - credited


def law_of_destinations(
    amount: Money, tenders: Sequence[TenderBalance], order: TenderOrder
) -> None:
    """The shares sum to the amount; no tender gives more than it still holds (RF-5)."""
    shares = destinations(amount, tenders, order)
    assert sum_money([share.amount for share in shares], EUR) == amount
    rooms = {tender.tender: tender.room for tender in tenders}
    assert len({share.tender for share in shares}) == len(shares)
    for share in shares:
        assert eur(0) < share.amount <= rooms[share.tender]


def law_of_one_ceiling(
    tenders: Sequence[TenderBalance], order: TenderOrder, steps: Sequence[tuple[str, int, int]]
) -> None:
    """
    However refunds, their answers and disputes interleave, no tender gives more than it took.

    Asking for a cent more than all of them hold is refused; a failed refund counts as nothing and
    can be sent again (RF-5, RF-6, PAY-3).
    """
    state = list(tenders)
    for kind, which, minor in steps:
        place = which % len(state)
        one = state[place]
        room = sum(each.captured.minor - gone(each) for each in state)
        match kind:
            case "ask":
                shares = destinations(eur(min(minor, room)), state, order)
                sent = {share.tender: share.amount for share in shares}
                state = [
                    evolve(each, in_flight=each.in_flight + sent.get(each.tender, eur(0)))
                    for each in state
                ]
                assert sum(sent.values(), eur(0)) == eur(min(minor, room))
            case "land":
                state[place] = evolve(one, refunded=one.refunded + one.in_flight, in_flight=eur(0))
            case "fail":
                state[place] = evolve(one, in_flight=eur(0))
            case _:
                taken = min(minor, one.captured.minor - gone(one))
                state[place] = evolve(one, disputed=one.disputed + eur(taken))
        assert all(gone(each) <= each.captured.minor for each in state)
        left = sum(each.captured.minor - gone(each) for each in state)
        with pytest.raises(RefundExceedsHeldError):
            destinations(eur(left + 1), state, order)


def gone(tender: TenderBalance) -> int:
    """What a tender does not hold any more, in cents."""
    return (tender.refunded + tender.in_flight + tender.disputed).minor


# --- random orders and ways back ---

POLICIES = [
    RefundPolicy(shipping=shipping_back, surcharges=surcharges, cancelled=cancelled)
    for shipping_back, surcharges, cancelled in product(
        (GiveBack.IN_PROPORTION, GiveBack.WITH_LAST_UNIT, GiveBack.ALWAYS), repeat=3
    )
]
PROMOTIONS = (
    EarnedByAmount(code="PERCENT", least=eur(2000)),
    EarnedByUnits(code="OFF", units=3),
    EarnedByAmount(code="EACH", least=eur(10**9)),
)
CAUSES = (CreditCause.RETURNED, CreditCause.CANCELLED, CreditCause.CLAIM, CreditCause.SHORT)


@st.composite
def ways_back(draw: st.DrawFn) -> tuple[PricedOrder, list[RefundRequest], RefundPolicy]:
    """An order, and steps that give all its units back, with reductions on the way."""
    order = price(draw(drafts(3)))
    count = draw(st.integers(1, 4))
    pieces: list[dict[LineId, SlotSet]] = [{} for _ in range(count)]
    for one in order.lines:
        cuts = sorted(draw(st.integers(0, one.quantity)) for _ in range(count - 1))
        ends = [0, *cuts, one.quantity]
        homes = draw(st.permutations(range(count)))
        for place, home in enumerate(homes):
            slots = SlotSet.of(ends[place], ends[place + 1])
            if slots:
                pieces[home][one.id] = slots
    causes = draw(st.lists(st.sampled_from(CAUSES), min_size=count, max_size=count))
    steps = [
        asking(number, piece, cause)
        for number, (piece, cause) in enumerate(zip(pieces, causes, strict=True))
        if piece
    ]
    policy = draw(st.sampled_from(POLICIES))
    if draw(st.booleans()):
        policy = evolve(policy, promotions=PROMOTIONS)
    return order, steps, policy


def with_reductions(
    order: PricedOrder, steps: Sequence[RefundRequest], policy: RefundPolicy, parts: Sequence[int]
) -> list[RefundRequest]:
    """
    The steps, with price reductions and charges by themselves before some of them.

    Args:
        order: What is given back.
        steps: The units.
        policy: How.
        parts: By how many twelfths of their worth the units of each step get cheaper before.
    """
    result: list[RefundRequest] = []
    taken: tuple[Credit, ...] = ()
    for number, (step, twelfths) in enumerate(zip(steps, parts, strict=False)):
        worth = Worth.after(order, taken)
        reductions: list[PriceReduction] = []
        for item in steps[-1].items:
            left = sum(
                minor for key, minor in worth.left(item.line, item.slots).items() if not key[0]
            )
            if left * twelfths >= 12 and step is not steps[-1]:
                amount = eur(left * twelfths // 12)
                reductions.append(PriceReduction(line=item.line, slots=item.slots, amount=amount))
        charges = _some_of_the_charges(order, worth, twelfths)
        if reductions or charges:
            before = RefundRequest(
                id=CreditId(f"R{number}"),
                cause=CreditCause.PRICE_REDUCTION,
                reductions=tuple(reductions),
                charges=charges,
            )
            taken += (credit_of(RefundBasis(priced=order, credits=taken), before, policy),)
            result.append(before)
        taken += (credit_of(RefundBasis(priced=order, credits=taken), step, policy),)
        result.append(step)
    return result


def _some_of_the_charges(
    order: PricedOrder, worth: Worth, twelfths: int
) -> tuple[ChargeCredit, ...]:
    asked: list[ChargeCredit] = []
    for charge in order.charges:
        left = sum(
            minor
            for share in charge.shares
            for key, minor in worth.left(share.line, worth.open_of(share.line, charge.id)).items()
            if key[0] == charge.id
        )
        if left * twelfths >= 12:
            asked.append(ChargeCredit(charge=charge.id, amount=eur(left * twelfths // 12)))
    return tuple(asked)


@LAW
@given(ways_back())
def test_every_way_back_ends_at_what_was_charged(
    case: tuple[PricedOrder, list[RefundRequest], RefundPolicy],
) -> None:
    """RULES RF-3, with promotions taken back and released, and any policy for the charges."""
    law_of_giving_back(*case)


def law_of_reductions(
    order: PricedOrder, steps: list[RefundRequest], policy: RefundPolicy, parts: list[int]
) -> None:
    """Price reductions on the way: the end is the same, and at every point all is divided."""
    steps_and_reductions = with_reductions(order, steps, policy, parts)
    law_of_giving_back(order, steps_and_reductions, policy)
    pieces = [{item.line: item.slots for item in step.items} for step in steps]
    taken: tuple[Credit, ...] = ()
    for step in steps_and_reductions:
        law_of_worth(order, taken, pieces)
        taken += (credit_of(RefundBasis(priced=order, credits=taken), step, policy),)


twelfths = st.lists(st.integers(0, 12), min_size=4, max_size=4)


@LAW
@given(ways_back(), twelfths)
def test_reductions_on_the_way_change_nothing_at_the_end(
    case: tuple[PricedOrder, list[RefundRequest], RefundPolicy], parts: list[int]
) -> None:
    """Price reductions and charges by themselves lower what the units are still worth."""
    law_of_reductions(*case, parts)


FEE = PercentFee(name="restocking", rate=Fraction(7, 100), causes=CAUSES)


def law_of_any_order(order: PricedOrder, steps: list[RefundRequest], policy: RefundPolicy) -> None:
    """Other ways back, and one step, end at the same sum, a percentage fee included (RF-3)."""
    policy = evolve(policy, fees=(FEE,), promotions=())
    everything = asking(0, {one.id: one.slots for one in order.lines})
    ways = (steps, steps[::-1], steps[1:] + steps[:1], [everything])
    assert len({_sum_of(order, way, policy) for way in ways}) == 1


def _sum_of(order: PricedOrder, steps: Sequence[RefundRequest], policy: RefundPolicy) -> int:
    taken: tuple[Credit, ...] = ()
    for step in steps:
        taken += (credit_of(RefundBasis(priced=order, credits=taken), step, policy),)
    return sum(credit.amount.minor for credit in taken)


def taxes_of(credits_given: Iterable[Credit]) -> Counter[str]:
    """What was credited of each tax, in minor units."""
    found = Counter[str]()
    for part in (part for credit in credits_given for part in credit.parts):
        if part.component == "tax":
            found[part.code] += part.amount.minor
    return found


def law_of_goodwill(
    order: PricedOrder, steps: list[RefundRequest], policy: RefundPolicy, minor: int
) -> None:
    """Goodwill lowers no slot's worth, and yet never more than the charges is credited."""
    goodwill = eur(min(minor, order.total.minor))
    if not goodwill:
        return
    policy = evolve(policy, goodwill_taxed=minor % 2 == 0, promotions=())
    first = RefundRequest(id=CreditId("G"), cause=CreditCause.GOODWILL, goodwill=goodwill)
    charged_taxes = Counter[str]()
    for tax in (tax for part in order.parts for tax in part.taxes):
        charged_taxes[tax.code] += tax.amount.minor
    taken: tuple[Credit, ...] = ()
    without: tuple[Credit, ...] = ()
    for step in (first, *steps):
        taken += (credit_of(RefundBasis(priced=order, credits=taken), step, policy),)
        if step is not first:
            without += (credit_of(RefundBasis(priced=order, credits=without), step, policy),)
        assert credited_by_key(taken) == credited_by_key(without), "no slot is worth less"
        so_far = sum_money([credit.amount for credit in taken], EUR)
        assert owed(order.total, taken) == order.total - so_far
        assert taxes_of(taken) <= charged_taxes, "more of a tax than was charged"
    assert sum(credit.amount.minor for credit in taken) == order.total.minor
    assert credited_by_key(taken) == charged_by_key(order)


def law_of_take_back(
    order: PricedOrder, steps: list[RefundRequest], policy: RefundPolicy, _: object = None
) -> None:
    """
    What a promotion is taken back for is at most what it gave the units that stay (RF-4).

    Slots round: by a cent for each unit and promotion.
    """
    policy = evolve(policy, promotions=PROMOTIONS)
    taken: tuple[Credit, ...] = ()
    for step in steps:
        one = credit_of(RefundBasis(priced=order, credits=taken), step, policy)
        assert one.amount.minor >= 0, "never more than that credit"
        taken += (one,)
        worth = Worth.after(order, taken)
        for source in order.lines:
            slots = worth.open_of(source.id)
            if not slots:
                continue
            figures = line_figures(order, source.id, slots)
            for rule in PROMOTIONS:
                given = sum(amount.minor for code, amount in figures.discounts if code == rule.code)
                if not source.tax_included and figures.goods:
                    given = follow(given, figures.gross.minor, figures.goods.minor)
                back = -worth.taken(source.id, slots, f"promotion {rule.code}")
                assert -len(slots) <= back <= given + len(slots)


def law_of_a_cent() -> None:
    """A unit of one cent beside a free one owes what the promotion gave it, and not both parts."""
    off = AmountOff(code="EACH", amount=eur(250))
    goods = shop.line("x", UnitPrice(eur(251), 2), 2, discounts=[off])
    order = price(Draft(currency=EUR, lines=(shop.line("a", 33, 4), goods)))
    policy = RefundPolicy(promotions=PROMOTIONS)
    taken: tuple[Credit, ...] = ()
    for name, slots in (("a", SlotSet.of(0, 4)), ("x", SlotSet.of(1, 2))):
        step = RefundRequest(
            id=CreditId(name),
            cause=CreditCause.RETURNED,
            items=(RefundItem(line=LineId(name), slots=slots),),
        )
        taken += (credit_of(RefundBasis(priced=order, credits=taken), step, policy),)
    worth = Worth.after(order, taken)
    assert -worth.taken(LineId("x"), SlotSet.of(0, 1), "promotion EACH") <= 126


def test_a_promotion_is_taken_back_where_it_was_given() -> None:
    """RULES RF-4, for units of which one costs a cent and the other nothing."""
    law_of_a_cent()


@LAW
@given(ways_back())
def test_no_more_is_taken_back_than_a_promotion_gave(
    case: tuple[PricedOrder, list[RefundRequest], RefundPolicy],
) -> None:
    """RULES RF-4, after every step of any way back."""
    law_of_take_back(*case)


@LAW
@given(ways_back())
def test_the_total_does_not_depend_on_the_order(
    case: tuple[PricedOrder, list[RefundRequest], RefundPolicy],
) -> None:
    """The same steps another way round end at the same amounts, fees included."""
    law_of_any_order(*case)


@LAW
@given(ways_back(), st.integers(1, 10**4))
def test_goodwill_counts_once_everything_comes_back(
    case: tuple[PricedOrder, list[RefundRequest], RefundPolicy], minor: int
) -> None:
    """RULES RF-1: goodwill first, and then everything comes back."""
    law_of_goodwill(*case, minor)


@LAW
@given(
    st.integers(0, 10**4),
    st.lists(st.tuples(st.sampled_from(["pay", "credit"]), st.integers(0, 6000)), max_size=8),
)
def test_the_two_ledgers_agree(total: int, steps: list[tuple[str, int]]) -> None:
    """RULES RF-1, under any interleaving of payments and credits."""
    law_of_ledgers(total, steps)


@st.composite
def paid_back(draw: st.DrawFn) -> tuple[Money, list[TenderBalance], TenderOrder]:
    """Some tenders, a strategy, and an amount that they hold."""
    tenders: list[TenderBalance] = []
    for number in range(draw(st.integers(1, 4))):
        captured, gone = draw(st.integers(0, 5000)), draw(st.integers(0, 3000))
        tenders.append(
            TenderBalance(
                tender=TenderId(f"T{number}"),
                kind=draw(st.sampled_from(["card", "gift_card", "wallet"])),
                captured=eur(captured),
                refunded=eur(gone),
                in_flight=eur(draw(st.integers(0, 100))),
                disputed=eur(0),
            )
        )
    room = sum(tender.room.minor for tender in tenders)
    orders: list[TenderOrder] = [
        ReverseOrder(),
        OriginalFirst(),
        InProportion(),
        KindsFirst(kinds=("gift_card", "wallet"), then=InProportion()),
    ]
    return eur(draw(st.integers(0, room))), tenders, draw(st.sampled_from(orders))


@LAW
@given(paid_back())
def test_no_tender_gives_more_than_it_holds(
    case: tuple[Money, list[TenderBalance], TenderOrder],
) -> None:
    """RULES RF-5, for every strategy."""
    law_of_destinations(*case)


STRATEGIES: tuple[TenderOrder, ...] = (
    ReverseOrder(),
    OriginalFirst(),
    InProportion(),
    KindsFirst(kinds=("gift_card", "wallet"), then=InProportion()),
)


@st.composite
def interleavings(
    draw: st.DrawFn,
) -> tuple[list[TenderBalance], TenderOrder, list[tuple[str, int, int]]]:
    """Some tenders, a strategy, and what happens to them."""
    tenders = [
        TenderBalance(
            tender=TenderId(f"T{number}"),
            kind=draw(st.sampled_from(["card", "gift_card", "wallet"])),
            captured=eur(draw(st.integers(0, 2000))),
            refunded=eur(0),
            in_flight=eur(0),
            disputed=eur(0),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    kinds = st.sampled_from(["ask", "ask", "land", "fail", "dispute"])
    steps = st.lists(st.tuples(kinds, st.integers(0, 3), st.integers(1, 1500)), max_size=10)
    return tenders, draw(st.sampled_from(STRATEGIES)), draw(steps)


@LAW
@given(interleavings())
def test_there_is_one_ceiling_over_all_tenders(
    case: tuple[list[TenderBalance], TenderOrder, list[tuple[str, int, int]]],
) -> None:
    """RULES RF-5, under any interleaving."""
    law_of_one_ceiling(*case)
