"""
Wrong ways to give money back, each of which a law must notice.

The formulas are the ones that other order systems use or have used: a weighted share cut off per
refund, every unit rounded by itself, the rest to whoever comes last, cancel and return with
cursors of their own; and what is forgotten between two refunds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from hypothesis import strategies as st

from ordercore.errors import OrderCoreError
from ordercore.ids import LineId
from ordercore.money import EUR, Money, apportion_minor, follow
from ordercore.pricing.model import PricedLine, PricedOrder
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund import _building, worth
from ordercore.refund._building import Build
from ordercore.refund._goodwill import room_for_goods
from ordercore.refund._parts import of_owner, split
from ordercore.refund.calculate import RefundBasis
from ordercore.refund.model import Credit, CreditPart, RefundRequest, TenderShare
from ordercore.refund.policy import GoodsReturned, PercentFee, RefundPolicy
from ordercore.refund.tenders import TenderBalance, TenderOrder
from ordercore.refund.worth import Key, Worth
from tests.laws import test_refund as laws
from tests.laws.test_refund import (
    CreditOf,
    interleavings,
    law_of_any_order,
    law_of_destinations,
    law_of_giving_back,
    law_of_goodwill,
    law_of_ledgers,
    law_of_one_ceiling,
    law_of_reductions,
    law_of_take_back,
    paid_back,
    twelfths,
    ways_back,
)
from tests.laws.test_small_worlds import (
    Take,
    law_of_sequences,
    law_of_small_worlds,
    law_of_two_ends,
    slots_taken,
    small_world,
)
from tests.planted.test_money import is_caught

# --- the formulas of others, one world of four units each ---

Divide = Callable[[int, int, int, int, int], int]
"""Of an amount for so many units: what these get, with so many back that were given so much."""


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
                given = sum(
                    part.amount.minor
                    for earlier in basis.credits
                    for part in earlier.parts
                    if part.line == one.id and part.key == key
                )
                amount = divide(minor, one.quantity, len(item.slots), back, given)
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
    "weighted share, cut off per refund": lambda minor, of, units, _, __: minor * units // of,
    "each unit rounded half up": lambda minor, of, units, _, __: follow(minor, 1, of) * units,
    "the rest by the rest of the units": lambda minor, of, units, back, given: follow(
        minor - given, units, of - back
    ),
    "cancel and return count from zero, each for itself": lambda minor, of, units, _, __: follow(
        minor, units, of
    ),
}
"""The table of what other systems do, and what else was seen."""


def cumulative(minor: int, of: int, units: int, back: int, _: int) -> int:
    """The last row of the table: cumulative shares on integers."""
    return follow(minor, back + units, of) - follow(minor, back, of)


WORLD = [3, 1, 2, 2, 3, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
"""9.99, 0.33 and 1.00, two included taxes, a third off, shipping at its own rate comes back."""


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


def test_cumulative_shares_do_not_fall() -> None:
    """The one row of the table that is right passes the same worlds: the judge is no trap."""
    assert not falls(by_formula(cumulative))


def sums_are_wrong(credit: CreditOf) -> bool:
    """Whether some sequence of steps does not end at what was charged, or goes above it."""
    try:
        law_of_sequences(*small_world(WORLD, lines=2, most=3), credit)
    except AssertionError:
        return True
    return False


def test_sequences_tell_wrong_sums_from_right_ones() -> None:
    """The rest by the rest ends right, and depends on the way; what is cut off does not end."""
    wrong = {name for name, divide in FORMULAS.items() if sums_are_wrong(by_formula(divide))}
    assert {"weighted share, cut off per refund", "each unit rounded half up"} <= wrong
    assert "the rest by the rest of the units" not in wrong
    assert not sums_are_wrong(laws.credit_of)


# --- two ends of a line ---


def own_cursors(of: int, sent: int, cancelled: int) -> Take:
    """Dispatch and cancel both count from the lowest slot, each with a cursor of its own."""
    return SlotSet.of(0, sent), SlotSet.of(0, cancelled), SlotSet.of(sent + cancelled, of)


def rest_from_the_top(of: int, sent: int, cancelled: int) -> Take:
    """What stays open is counted from the top, where cancelled slots are."""
    low, high, rest = slots_taken(of, sent, cancelled)
    return low, high, SlotSet.of(of - len(rest), of)


@pytest.mark.parametrize("take", [own_cursors, rest_from_the_top])
def test_two_cursors_are_noticed(take: Callable[[int, int, int], Take]) -> None:
    """Independent cursors for cancel and capture do not add up to the line."""
    order, _ = small_world(WORLD)
    law_of_two_ends(order)
    with pytest.raises(AssertionError):
        law_of_two_ends(order, take)


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


def test_tax_of_goodwill_on_top_of_all_tax_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line with tax comes back after goodwill on all: its tax is credited twice in part."""

    def amounts_only(
        parts: Sequence[CreditPart], priced: PricedOrder
    ) -> Iterator[tuple[str, str, int]]:
        changes = list(room_for_goods(parts, priced))
        return iter(changes if sum(minor for _, _, minor in changes) else [])

    monkeypatch.setattr(_building, "room_for_goods", amounts_only)
    assert is_caught(goodwill, granted)


def test_a_rest_of_shipping_that_is_kept_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last unit is back, and a part of the shipping is not."""
    monkeypatch.setattr(Build, "_give_charges_back", nothing)
    assert is_caught(giving_back, ways_back())


def take_back(case: Way) -> None:
    """The law of taking back, for a case."""
    law_of_take_back(*case)


def released_twice(
    part: CreditPart, points: Sequence[int], amounts: Sequence[int], given: Sequence[int] | None
) -> list[int]:
    """What was taken back for a promotion is counted twice when the units come back."""
    found = _off(part, points, amounts, given)
    return [2 * minor for minor in found] if part.rule.startswith("promotion") else found


def forgets_what_was_taken(self: Build, line: PricedLine, code: str, name: str) -> int:
    """Nobody remembers what was taken back before."""
    slots = self.worth.open_of(line.id)
    before = self.worth.taken(line.id, slots, name) if slots else 0
    return _not_earned(self, line, code, name) - before


_not_earned = Build._not_earned


def lowers_slots(self: Build, goodwill: Money) -> None:
    """Goodwill is booked on the units, as if they had become cheaper."""
    minor = goodwill.minor
    for line in self.priced.lines:
        slots = self.worth.open_of(line.id)
        left = of_owner(self.worth.left(line.id, slots), "")
        part = min(minor, sum(left.values()))
        if part > 0:
            minor -= part
            self._add(line.id, slots, split(part, left), adjusts=True, rule="goodwill")
    self._add_unplaced("goodwill", "", minor, rule="goodwill")


_off = worth._off


def test_a_take_back_released_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Double release: everything is back, and more than everything was given."""
    monkeypatch.setattr(worth, "_off", released_twice)
    assert is_caught(giving_back, ways_back())


def follows_worth(
    part: CreditPart, points: Sequence[int], amounts: Sequence[int], _given: Sequence[int] | None
) -> list[int]:
    """What was given is taken back from the units that cost most, not from those it was given."""
    return _off(part, points, amounts, None)


def test_a_promotion_taken_back_by_price_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit of a cent beside a free one pays the promotion of both."""
    monkeypatch.setattr(worth, "_off", follows_worth)
    with pytest.raises(AssertionError):
        laws.law_of_a_cent()


def test_a_promotion_taken_back_at_every_return_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The units that stay pay back more than the promotion ever gave them."""
    monkeypatch.setattr(Build, "_not_earned", forgets_what_was_taken)
    assert is_caught(take_back, ways_back())


def test_goodwill_that_lowers_a_slot_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit that comes back later is worth less than it was."""
    monkeypatch.setattr(Build, "_grant", lowers_slots)
    assert is_caught(goodwill, granted)


# --- where the money goes ---

Paid = tuple[Money, list[TenderBalance], TenderOrder]


def all_to_one(
    amount: Money, tenders: Sequence[TenderBalance], order: TenderOrder
) -> tuple[TenderShare, ...]:
    """The first tender gets everything, whatever it paid."""
    del order
    return (TenderShare(tender=tenders[0].tender, amount=amount),) if amount else ()


def by_captured(
    amount: Money, tenders: Sequence[TenderBalance], order: TenderOrder
) -> tuple[TenderShare, ...]:
    """In proportion to what was captured, as if nothing had gone back before."""
    del order
    weights = [tender.captured.minor for tender in tenders]
    if not amount or not any(weights):
        return ()
    parts = apportion_minor(amount.minor, weights)
    return tuple(
        TenderShare(tender=tender.tender, amount=Money(part, EUR))
        for tender, part in zip(tenders, parts, strict=True)
        if part
    )


def cut_off_shares(
    amount: Money, tenders: Sequence[TenderBalance], order: TenderOrder
) -> tuple[TenderShare, ...]:
    """Each tender's part is cut off, and the odd cents stay."""
    del order
    rooms = [tender.room.minor for tender in tenders]
    return tuple(
        TenderShare(tender=tender.tender, amount=Money(part, EUR))
        for tender, room in zip(tenders, rooms, strict=True)
        if (part := amount.minor * room // max(sum(rooms), 1))
    )


def going_back(case: Paid) -> None:
    """The law of destinations, for a case."""
    law_of_destinations(*case)


@pytest.mark.parametrize("wrong", [all_to_one, by_captured, cut_off_shares])
def test_a_wrong_destination_is_noticed(
    wrong: Callable[..., tuple[TenderShare, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a tender holds, or not all of the amount."""
    monkeypatch.setattr(laws, "destinations", wrong)
    assert is_caught(going_back, paid_back())


Interleaved = tuple[list[TenderBalance], TenderOrder, list[tuple[str, int, int]]]


def one_ceiling(case: Interleaved) -> None:
    """The law of one ceiling, for a case; a refusal is a fall too."""
    try:
        law_of_one_ceiling(*case)
    except (OrderCoreError, pytest.fail.Exception) as error:
        raise AssertionError(str(error)) from error


def without_flight(self: TenderBalance) -> Money:
    """Refunds on their way are forgotten."""
    return max(self.captured - self.refunded - self.disputed, Money.zero(EUR))


def without_disputes(self: TenderBalance) -> Money:
    """What the bank takes back is forgotten: refund and chargeback of the same money."""
    return max(self.captured - self.refunded - self.in_flight, Money.zero(EUR))


def all_captured(self: TenderBalance) -> Money:
    """The ceiling is what was captured, whatever has gone back."""
    return self.captured


@pytest.mark.parametrize("wrong", [without_flight, without_disputes, all_captured])
def test_a_ceiling_that_forgets_is_noticed(
    wrong: Callable[[TenderBalance], Money], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More goes back than was taken, in some interleaving."""
    monkeypatch.setattr(TenderBalance, "room", property(wrong))
    assert is_caught(one_ceiling, interleavings())


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
