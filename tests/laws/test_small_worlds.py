"""
Small worlds, all of them: what RULES RF-3 promises for any order, for every order of a few units.

Three lines of up to four units, unit prices 0.01, 0.33, 1.00 and 9.99, and every policy of pricing
and refunds, combined so that any two values of two choices meet. In each world every state of
returned units is visited, and every step between two states; in the worlds of two lines of three
units every sequence of steps too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum, auto
from fractions import Fraction
from itertools import product
from typing import Final, TypeAlias

import pytest

from ordercore.ids import LineId
from ordercore.pricing.discounts import AmountOff, OrderDiscount, PercentOff
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import ChargeKind, PricedOrder
from ordercore.pricing.policy import (
    DiscountRounding,
    IncludedTax,
    Percents,
    PricingPolicy,
    TaxBase,
    TaxRounding,
)
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import RefundBasis, cancel_credit, dispatched_worth
from ordercore.refund.model import Credit, CreditCause
from ordercore.refund.policy import GiveBack, PercentFee, RefundPolicy
from tests.laws.test_refund import (
    PROMOTIONS,
    CreditOf,
    asking,
    charged_by_key,
    credit_of,
    credited_by_key,
    law_of_giving_back,
)
from tests.unit.pricing.shop import eur, line, priced, shipping, vat

TAXINGS = (
    ((), False),
    ((vat(20),), True),
    ((vat(19),), False),
    ((vat(9, "CENTRAL"), vat(9, "STATE")), True),
    ((vat(5, "GST"), vat("9.975", "QST", compound=True)), False),
    ((vat(5, "GST"), vat("9.975", "QST", compound=True)), True),
)
OFFERS = (
    (),
    (PercentOff(code="PERCENT", rate=Fraction(1, 3)),),
    (AmountOff(code="OFF", amount=eur(50)), PercentOff(code="PERCENT", rate=Fraction(1, 10))),
)
PRICES = (1, 33, 100, 999)
ORDER_OFF = (0, 7, 100)
RESTOCKING = PercentFee(name="restocking", rate=Fraction(7, 100))


class Choice(IntEnum):
    """What a small world chooses; its place in a row."""

    A = 0
    """The unit price of line a; b and c likewise."""
    B = auto()
    C = auto()
    UNITS = auto()
    """How many units line b has."""
    TAXES = auto()
    OFFER = auto()
    OFF = auto()
    """What is taken off the order."""
    FREIGHT = auto()
    """Shipping untaxed, at its own rate, or split by the goods' rates."""
    SHIPPING = auto()
    SURCHARGES = auto()
    ROUNDED = auto()
    PERCENTS = auto()
    REMAINDER = auto()
    BASE = auto()
    INCLUDED = auto()
    FLOOR = auto()
    PROMOTED = auto()
    FEE = auto()


SIZES: Final = {
    Choice.A: 4,
    Choice.B: 4,
    Choice.C: 4,
    Choice.UNITS: 4,
    Choice.TAXES: len(TAXINGS),
    Choice.OFFER: len(OFFERS),
    Choice.OFF: len(ORDER_OFF),
    Choice.FREIGHT: 3,
    Choice.SHIPPING: len(GiveBack),
    Choice.SURCHARGES: len(GiveBack),
    Choice.ROUNDED: len(TaxRounding),
    Choice.PERCENTS: len(Percents),
    Choice.REMAINDER: len(DiscountRounding),
    Choice.BASE: len(TaxBase),
    Choice.INCLUDED: len(IncludedTax),
    Choice.FLOOR: 2,
    Choice.PROMOTED: 2,
    Choice.FEE: 2,
}
"""How many values each choice has."""

Row: TypeAlias = Sequence[int]
State: TypeAlias = tuple[int, ...]


def pairwise_rows(sizes: Sequence[int]) -> list[list[int]]:
    """
    Rows such that every two values of two choices meet in one of them.

    Greedy and deterministic: a row begins with a pair not yet met, and each further choice takes
    the value that meets the most others for the first time.
    """
    width = len(sizes)
    unmet = {
        ((one, a), (other, b))
        for one in range(width)
        for other in range(one + 1, width)
        for a in range(sizes[one])
        for b in range(sizes[other])
    }
    rows: list[list[int]] = []
    while unmet:
        row: dict[int, int] = dict(min(unmet))
        for choice in range(width):
            if choice not in row:
                gains = [
                    sum(tuple(sorted([(choice, value), met])) in unmet for met in row.items())
                    for value in range(sizes[choice])
                ]
                row[choice] = gains.index(max(gains))
        rows.append([row[choice] for choice in range(width)])
        unmet -= {
            ((one, row[one]), (other, row[other]))
            for one in range(width)
            for other in range(one + 1, width)
        }
    return rows


def pricing_policy(row: Row) -> PricingPolicy:
    """How the world is priced."""
    return PricingPolicy(
        taxes_per=tuple(TaxRounding)[row[Choice.ROUNDED]],
        percents=tuple(Percents)[row[Choice.PERCENTS]],
        rounds=tuple(DiscountRounding)[row[Choice.REMAINDER]],
        tax_base=tuple(TaxBase)[row[Choice.BASE]],
        included=tuple(IncludedTax)[row[Choice.INCLUDED]],
        minimum_unit_price=eur(30) if row[Choice.FLOOR] else None,
    )


def refund_policy(row: Row) -> RefundPolicy:
    """How it comes back."""
    return RefundPolicy(
        shipping=tuple(GiveBack)[row[Choice.SHIPPING]],
        surcharges=tuple(GiveBack)[row[Choice.SURCHARGES]],
        promotions=PROMOTIONS if row[Choice.PROMOTED] else (),
        fees=(RESTOCKING,) if row[Choice.FEE] else (),
    )


def small_world(row: Row, lines: int = 3, most: int = 4) -> tuple[PricedOrder, RefundPolicy]:
    """Some lines of up to so many units, and how they come back."""
    taxes, included = TAXINGS[row[Choice.TAXES]]
    prices = [PRICES[row[choice]] for choice in (Choice.A, Choice.B, Choice.C)]
    units = min(row[Choice.UNITS] + 1, most)
    offers = OFFERS[row[Choice.OFFER]]
    off = OrderDiscount(discount=AmountOff(code="O", amount=eur(ORDER_OFF[row[Choice.OFF]])))
    freight = row[Choice.FREIGHT]
    order = priced(
        *[
            line("a", prices[0], most, taxes=taxes, included=included, discounts=offers),
            line("b", prices[1], units if lines > 2 else most, taxes=taxes),
            line("c", prices[2], most, taxes=(vat(7),), included=True),
        ][:lines],
        discounts=[off],
        charges=[
            shipping(490, split=freight == 2, taxes=(vat(19),) if freight == 1 else ()),
            shipping(29, kind=ChargeKind.GIFT_WRAP),
        ],
        policy=pricing_policy(row),
    )
    return order, refund_policy(row)


def between(order: PricedOrder, low: State, high: State) -> dict[LineId, SlotSet]:
    """The slots that come back on the way from one state to another."""
    return {
        one.id: SlotSet.of(start, stop)
        for one, start, stop in zip(order.lines, low, high, strict=True)
        if start < stop
    }


def states_of(order: PricedOrder) -> list[State]:
    """How many units of each line are back: every state, nothing first, all last."""
    return list(product(*(range(one.quantity + 1) for one in order.lines)))


def is_step(low: State, high: State) -> bool:
    """Whether something comes back on the way, and nothing goes out again."""
    return low != high and all(start <= stop for start, stop in zip(low, high, strict=True))


def comes_back(order: PricedOrder, policy: RefundPolicy) -> dict[tuple[str, str], int]:
    """What is charged, without the charges that never come back."""
    kept = {
        charge.id
        for charge in order.charges
        if policy.gives_back(CreditCause.RETURNED, charge.kind) is GiveBack.NEVER
    }
    return {key: minor for key, minor in charged_by_key(order).items() if key[0] not in kept}


# --- the laws ---


def law_of_small_worlds(
    order: PricedOrder, policy: RefundPolicy, credit: CreditOf = credit_of
) -> int:
    """
    Every state of returned units, and every step between two of them.

    A step gives back what its end gives back at once, less what its beginning did; and never is
    more credited than was charged. With promotions taken back, the steps that bring the last unit
    release them, and the others depend on the way.
    """
    states = states_of(order)
    empty, full = states[0], states[-1]
    at: dict[State, tuple[Credit, ...]] = {empty: ()}
    for state in states[1:]:
        request = asking(0, between(order, empty, state))
        at[state] = (credit(RefundBasis(priced=order), request, policy),)
    sums = {state: sum(one.amount.minor for one in taken) for state, taken in at.items()}
    keys = {state: credited_by_key(taken) for state, taken in at.items()}
    assert keys[full] == comes_back(order, policy)
    assert max(sums.values()) <= order.total.minor
    steps = 0
    for low, high in product(states, states):
        if is_step(low, high):
            steps += 1
            request = asking(1, between(order, low, high))
            one = credit(RefundBasis(priced=order, credits=at[low]), request, policy)
            assert 0 <= one.amount.minor <= order.total.minor - sums[low]
            if high == full or not policy.promotions:
                assert credited_by_key((*at[low], one)) == keys[high]
            if not policy.promotions:
                assert sums[low] + one.amount.minor == sums[high]
    return steps


def law_of_sequences(
    order: PricedOrder, policy: RefundPolicy, credit: CreditOf = credit_of
) -> tuple[int, int]:
    """Every sequence of steps from nothing to everything; how many, and how they all end."""
    states = states_of(order)
    full, whole = states[-1], comes_back(order, policy)
    ends: set[int] = set()
    found = 0

    def walk(state: State, taken: tuple[Credit, ...], so_far: int) -> None:
        nonlocal found
        if state == full:
            found += 1
            ends.add(so_far)
            assert credited_by_key(taken) == whole
            return
        for after in states:
            if is_step(state, after):
                request = asking(len(taken), between(order, state, after))
                one = credit(RefundBasis(priced=order, credits=taken), request, policy)
                assert one.amount.minor >= 0
                assert so_far + one.amount.minor <= order.total.minor
                walk(after, (*taken, one), so_far + one.amount.minor)

    walk(states[0], (), 0)
    if not (policy.promotions and policy.fees):
        assert len(ends) == 1, "the sum does not depend on the way"
    return found, max(ends)


Take: TypeAlias = tuple[SlotSet, SlotSet, SlotSet]
Taking: TypeAlias = Callable[[int, int, int], Take]
"""How many units there are, are sent and are cancelled: which slots these are."""


def slots_taken(of: int, sent: int, cancelled: int) -> Take:
    """Dispatch takes the lowest slots, cancel the highest; and what stays open (RULES M-7)."""
    slots = SlotSet.of(0, of)
    low, high = slots.lowest(sent), slots.highest(cancelled)
    return low, high, slots - low - high


def law_of_two_ends(order: PricedOrder, take: Taking = slots_taken) -> None:
    """Captured for what is sent, credited for what is cancelled, and still open: the line."""
    for one in order.lines:
        whole = slot_value(order, one.id, one.slots)
        for sent, cancelled in product(range(one.quantity + 1), repeat=2):
            if sent + cancelled > one.quantity:
                continue
            low, high, rest = take(one.quantity, sent, cancelled)
            credits_so_far: tuple[Credit, ...] = ()
            if high:
                request = asking(0, {one.id: high}, CreditCause.CANCELLED)
                credits_so_far = (cancel_credit(RefundBasis(priced=order), request),)
            credited = sum(credit.amount.minor for credit in credits_so_far)
            captured = dispatched_worth(order, credits_so_far, {one.id: low}).minor
            assert captured == slot_value(order, one.id, low).minor
            assert captured + credited + slot_value(order, one.id, rest).minor == whole.minor


# --- all of them ---

ROWS = pairwise_rows(list(SIZES.values()))
NAMES = ["-".join(map(str, row)) for row in ROWS]


def test_the_rows_meet_every_pair_of_choices() -> None:
    """Any two values of two choices stand together in one world."""
    sizes = list(SIZES.values())
    assert list(SIZES) == list(Choice)
    for one in range(len(sizes)):
        for other in range(one + 1, len(sizes)):
            assert len({(row[one], row[other]) for row in ROWS}) == sizes[one] * sizes[other]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_step_of_a_small_world_is_exact(row: list[int]) -> None:
    """Up to 125 states and 3,250 steps per order; the policies meet pairwise."""
    order, policy = small_world(row)
    units = [one.quantity for one in order.lines]
    states, pairs = 1, 1
    for count in units:
        states *= count + 1
        pairs *= (count + 1) * (count + 2) // 2
    assert states <= 125
    assert pairs - states == law_of_small_worlds(order, policy)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_sequence_of_two_lines_of_three_units_is_exact(row: list[int]) -> None:
    """All 252 ways from nothing to everything back, under the same policies."""
    sequences, end = law_of_sequences(*small_world(row, lines=2, most=3))
    assert sequences == 252
    assert end >= 0


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_dispatch_and_cancel_meet_in_the_middle(row: list[int]) -> None:
    """However many are sent and however many are cancelled, capture and credit fit (M-7)."""
    order, _ = small_world(row)
    law_of_two_ends(order)


def ordered_partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """All ways to give the items back in steps of any size, in any order."""
    if not items:
        yield []
        return
    for mask in range(1, 2 ** len(items)):
        chosen = [item for place, item in enumerate(items) if mask >> place & 1]
        rest = [item for place, item in enumerate(items) if not mask >> place & 1]
        for later in ordered_partitions(rest):
            yield [chosen, *later]


@pytest.mark.parametrize(
    ("taxing", "back", "promoted", "units", "ways"),
    [
        (3, GiveBack.IN_PROPORTION, False, 3, 4683),
        (1, GiveBack.WITH_LAST_UNIT, True, 2, 541),
    ],
)
def test_every_sequence_of_single_slots_is_exact(
    taxing: int, back: GiveBack, promoted: bool, units: int, ways: int
) -> None:
    """Not only the lowest first: any slots of two lines come back in all ways, step by step."""
    taxes, included = TAXINGS[taxing]
    order = priced(
        line("a", 33, 3, taxes=taxes, included=included, discounts=OFFERS[1]),
        line("b", 999, units, taxes=(vat(7),)),
        discounts=[OrderDiscount(discount=AmountOff(code="OFF", amount=eur(100)))],
        charges=[shipping(490, split=True)],
    )
    policy = RefundPolicy(shipping=back, promotions=PROMOTIONS if promoted else ())
    sequences = 0
    for steps in ordered_partitions(range(3 + units)):
        requests = [
            asking(
                number,
                {
                    LineId("a"): SlotSet.from_slots(unit for unit in step if unit < 3),
                    LineId("b"): SlotSet.from_slots(unit - 3 for unit in step if unit >= 3),
                },
            )
            for number, step in enumerate(steps)
        ]
        law_of_giving_back(order, requests, policy)
        sequences += 1
    assert sequences == ways
