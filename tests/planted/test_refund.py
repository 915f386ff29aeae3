"""
Wrong ways to give money back, each of which a law must notice.

The formulas are the ones that other order systems use or have used: a weighted share cut off per
refund, every unit rounded by itself, the rest to whoever comes last, cancel and return with
cursors of their own; and what is forgotten between two refunds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import strategies as st

from ordercore.ids import LineId
from ordercore.money import EUR, Money, follow
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund import _building
from ordercore.refund._building import Build
from ordercore.refund.calculate import RefundBasis
from ordercore.refund.model import Credit, CreditPart, RefundRequest
from ordercore.refund.policy import GoodsReturned, PercentFee, RefundPolicy
from ordercore.refund.worth import Key, Worth
from tests.laws import test_refund as laws
from tests.laws.test_refund import (
    CreditOf,
    law_of_any_order,
    law_of_giving_back,
    law_of_goodwill,
    law_of_ledgers,
    law_of_reductions,
    law_of_small_worlds,
    small_world,
    twelfths,
    ways_back,
)
from tests.planted.test_money import is_caught

# --- the formulas of others, one world of four units each ---

Divide = Callable[[int, int, int, int], int]
"""Of an amount for so many units: what these units get, with so many already back."""


def by_formula(divide: Divide) -> CreditOf:
    """A credit that divides every amount of a line by a formula of its own."""

    def credit(basis: RefundBasis, request: RefundRequest, policy: RefundPolicy) -> Credit:
        del policy
        parts: list[CreditPart] = []
        for item in request.items:
            one = basis.priced.line(item.line)
            back = sum(
                len(part.slots)
                for earlier in basis.credits
                for part in earlier.parts
                if part.line == one.id and part.key == ("", "")
            )
            for key, minor in Worth(basis.priced).left(one.id, one.slots).items():
                amount = divide(minor, one.quantity, len(item.slots), back)
                parts.append(
                    CreditPart(
                        component="tax" if key[1] else "charge" if key[0] else "goods",
                        code=key[1],
                        charge=key[0],
                        line=one.id,
                        slots=item.slots,
                        amount=Money(amount, EUR),
                        rule="formula",
                    )
                )
        return Credit(id=request.id, cause=request.cause, parts=tuple(parts))

    return credit


FORMULAS: dict[str, Divide] = {
    "weighted share, cut off per refund": lambda minor, of, units, _: minor * units // of,
    "each unit rounded half up": lambda minor, of, units, _: follow(minor, 1, of) * units,
    "cancel and return count from zero, each for itself": lambda minor, of, units, _: follow(
        minor, units, of
    ),
    "the last one takes the rest of cut-off shares": lambda minor, of, units, back: (
        minor - minor // of * back if back + units == of else minor // of * units
    ),
    "the first refund gets the odd cents": lambda minor, of, units, back: (
        minor // of * units + (0 if back else minor % of)
    ),
}
WORLD = [3, 1, 2, 2, 3, 1, 1, 1, 0, 0, 0]
"""9.99, 0.33 and 1.00 with two included taxes, a third off and shipping at its own rate."""


def falls(credit: CreditOf) -> bool:
    """Whether a step between two states falls in a small world."""
    try:
        law_of_small_worlds(*small_world(WORLD), credit)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("divide", FORMULAS.values(), ids=FORMULAS.keys())
def test_a_formula_of_others_falls(divide: Divide) -> None:
    """In a world of four units, some step or the end of it is wrong."""
    assert falls(by_formula(divide))


def test_slots_do_not_fall() -> None:
    """What is noticed is the formula, not the judge."""
    assert not falls(laws.credit_of)


# --- what is forgotten ---


def nothing_given(self: Worth, line: LineId, charge: str, slots: SlotSet) -> SlotSet:
    """A charge that has come back is forgotten."""
    gone = NO_SLOTS if charge else self.credited.get(line, NO_SLOTS)
    return slots - gone


def no_adjustments(
    self: Worth, part: CreditPart, given: dict[tuple[LineId, str], list[SlotSet]]
) -> None:
    """Price reductions and promotions taken back are forgotten."""
    if part.line is not None and part.slots and not part.adjusts and part.charge:
        given.setdefault((part.line, part.charge), []).append(part.slots)
    assert self.priced is not None


def all_net(minor: int, left: Mapping[Key, int]) -> dict[Key, int]:
    """A reduction takes no tax with it."""
    return dict.fromkeys(left, 0) | {next(iter(left)): minor}


def fee_per_return(self: PercentFee, on: GoodsReturned) -> Money:
    """Each return's fee is rounded by itself."""
    return on.amount.times(self.rate)


def nothing(self: Build) -> None:
    """A step is left out."""
    assert self.priced is not None


Way = tuple[PricedOrder, list[RefundRequest], RefundPolicy]
reduced = st.tuples(ways_back(), twelfths)
granted = st.tuples(ways_back(), st.integers(1, 10**4))


def reductions(case: tuple[Way, list[int]]) -> None:
    """The law of reductions, for a case."""
    law_of_reductions(*case[0], case[1])


def goodwill(case: tuple[Way, int]) -> None:
    """The law of goodwill, for a case."""
    law_of_goodwill(*case[0], case[1])


def giving_back(case: Way) -> None:
    """The law of giving back, for a case."""
    law_of_giving_back(*case)


def any_order(case: Way) -> None:
    """The law of any order, for a case."""
    law_of_any_order(*case)


def test_a_charge_given_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shipping that came back with the first unit comes back again with the next."""
    monkeypatch.setattr(Worth, "_still", nothing_given)
    assert is_caught(giving_back, ways_back())


def test_a_reduction_that_is_forgotten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit comes back for its full price."""
    monkeypatch.setattr(Worth, "_sort_in", no_adjustments)
    assert is_caught(reductions, reduced)


def test_a_promotion_that_is_not_released_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is back, and the promotion is still deducted."""
    monkeypatch.setattr(Worth, "_sort_in", no_adjustments)
    assert is_caught(giving_back, ways_back())


def test_a_reduction_without_its_tax_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net falls below zero, and the tax stays."""
    monkeypatch.setattr(_building, "split", all_net)
    assert is_caught(reductions, reduced)


def test_a_fee_rounded_per_return_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum of the fees depends on how the units came back."""
    monkeypatch.setattr(PercentFee, "amount_kept", fee_per_return)
    assert is_caught(any_order, ways_back())


def test_goodwill_on_top_of_everything_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the charges is credited."""
    monkeypatch.setattr(Build, "_settle_goodwill", nothing)
    assert is_caught(goodwill, granted)


def test_a_rest_of_shipping_that_is_kept_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last unit is back, and a part of the shipping is not."""
    monkeypatch.setattr(Build, "_give_charges_back", nothing)
    assert is_caught(giving_back, ways_back())


# --- the two ledgers ---

steps = st.tuples(
    st.integers(0, 10**4),
    st.lists(st.tuples(st.sampled_from(["pay", "credit"]), st.integers(0, 6000)), max_size=8),
)


def ledgers(case: tuple[int, list[tuple[str, int]]]) -> None:
    """The law of the ledgers, for a case."""
    law_of_ledgers(*case)


def credit_is_paid_out(held: Money, *, claim: Money, in_flight: Money, disputed: Money) -> Money:
    """Everything that is credited is sent back, paid or not: the two ledgers are one."""
    del in_flight, disputed
    return held if claim.is_zero else held - claim


def nothing_back(held: Money, *, claim: Money, in_flight: Money, disputed: Money) -> Money:
    """Only a positive claim sends something back."""
    del in_flight, disputed
    return max(held - claim, Money.zero(EUR)) if claim else Money.zero(EUR)


@pytest.mark.parametrize("wrong", [credit_is_paid_out, nothing_back])
def test_a_wrong_pay_back_is_noticed(
    wrong: Callable[..., Money], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than is held, or less than is due."""
    monkeypatch.setattr(laws, "to_pay_back", wrong)
    assert is_caught(ledgers, steps)
