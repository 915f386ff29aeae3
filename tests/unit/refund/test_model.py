"""Credits, requests and policies refuse what makes no sense."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.errors import OrderCoreError
from ordercore.ids import CreditId, InvalidIdentifierError, LineId
from ordercore.money import (
    USD,
    CurrencyMismatchError,
    InvalidMoneyError,
    InvalidQuantityError,
    Money,
    NegativeAmountError,
)
from ordercore.pricing.model import ChargeKind
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.ledger import claimable, owed, placed_nowhere, to_pay_back
from ordercore.refund.model import (
    ChargeCredit,
    Credit,
    CreditCause,
    CreditPart,
    InvalidRefundError,
    PriceReduction,
    RefundItem,
    RefundRequest,
)
from ordercore.refund.policy import (
    EarnedByUnits,
    GiveBack,
    PercentFee,
    RefundPolicy,
    ReturnFee,
    UnitFee,
)
from tests.unit.pricing.shop import eur, loose

A = LineId("a")
PART = CreditPart(component="goods", line=A, slots=SlotSet.of(0, 1), amount=eur(100), rule="value")
FEE = CreditPart(component="fee", code="restocking", amount=eur(-30), rule="fee")


def test_a_credit_is_the_sum_of_its_parts() -> None:
    """Deductions are negative."""
    credit = Credit(id=CreditId("C"), cause=CreditCause.RETURNED, parts=(PART, FEE))
    assert credit.amount == eur(70)
    assert placed_nowhere(eur(1), [credit]) == eur(-30)
    with pytest.raises(InvalidRefundError):
        evolve(credit, parts=())
    with pytest.raises(CurrencyMismatchError):
        evolve(credit, parts=(PART, evolve(FEE, amount=Money(-30, USD))))
    with pytest.raises(InvalidIdentifierError):
        evolve(credit, id=CreditId(""))


def test_a_part_says_which_amount_it_lowers() -> None:
    """Charge and tax code, or nothing."""
    assert PART.key == ("", "")
    tax = evolve(PART, component="tax", code="VAT", charge="ship")
    assert tax.key == ("ship", "VAT")
    for changes in ({"component": "gift"}, {"line": None}, {"amount": 5}, {"slots": 1}):
        with pytest.raises(OrderCoreError):
            loose(evolve, PART, **changes)


def test_a_request_asks_for_something_once() -> None:
    """Nothing, a line twice, and amounts of zero or less are refused."""
    item = RefundItem(line=A, slots=SlotSet.of(0, 1))
    request = RefundRequest(id=CreditId("C"), cause=CreditCause.RETURNED, items=(item,))
    reduction = PriceReduction(line=A, slots=SlotSet.of(0, 1), amount=eur(1))
    with pytest.raises(InvalidRefundError):
        evolve(request, items=())
    with pytest.raises(InvalidRefundError):
        evolve(request, items=(), goodwill=eur(0))
    with pytest.raises(InvalidRefundError):
        evolve(request, items=(item, item))
    with pytest.raises(InvalidRefundError):
        evolve(request, reductions=(evolve(reduction, amount=eur(0)),))
    with pytest.raises(NegativeAmountError):
        evolve(request, reductions=(evolve(reduction, amount=eur(-1)),))
    with pytest.raises(InvalidRefundError):
        evolve(request, charges=(ChargeCredit(charge="s", amount=eur(0)),))
    with pytest.raises(NegativeAmountError):
        evolve(request, goodwill=eur(-1))
    with pytest.raises(InvalidMoneyError):
        loose(evolve, request, goodwill=5)
    for changes in ({"cause": "returned"}, {"items": (A,)}, {"charges": ("s",)}, {"reductions": 1}):
        with pytest.raises(InvalidRefundError):
            loose(evolve, request, **changes)
    with pytest.raises(InvalidRefundError):
        RefundItem(line=A, slots=NO_SLOTS)
    with pytest.raises(InvalidRefundError):
        loose(RefundItem, line=A, slots=[(0, 1)])


def test_policies_check_their_fields() -> None:
    """Rates are fractions of 0 to 1, amounts are not negative, units at least one."""
    with pytest.raises(InvalidRefundError):
        PercentFee(name="f", rate=Fraction(2))
    with pytest.raises(InvalidRefundError):
        loose(PercentFee, name="f", rate=0.1)
    with pytest.raises(NegativeAmountError):
        UnitFee(name="f", amount=eur(-1))
    with pytest.raises(NegativeAmountError):
        ReturnFee(name="f", amount=eur(-1))
    with pytest.raises(InvalidIdentifierError):
        ReturnFee(name="", amount=eur(1))
    with pytest.raises(InvalidQuantityError):
        EarnedByUnits(code="X", units=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"shipping": "never"},
        {"fees": (1,)},
        {"promotions": "X"},
        {"tenders": 1},
        {"goodwill_taxed": 1},
    ],
)
def test_a_policy_is_made_of_values(changes: dict[str, object]) -> None:
    """Texts and numbers are no rules."""
    with pytest.raises(InvalidRefundError):
        loose(RefundPolicy, **changes)


def test_which_charges_come_back_when() -> None:
    """Cancels by their own rule, adjustments always in proportion."""
    policy = RefundPolicy(
        shipping=GiveBack.NEVER, surcharges=GiveBack.ALWAYS, cancelled=GiveBack.WITH_LAST_UNIT
    )
    returned, short = CreditCause.RETURNED, CreditCause.SHORT
    assert policy.gives_back(returned, ChargeKind.SHIPPING) is GiveBack.NEVER
    assert policy.gives_back(returned, ChargeKind.FEE) is GiveBack.ALWAYS
    assert policy.gives_back(short, ChargeKind.SHIPPING) is GiveBack.WITH_LAST_UNIT
    assert policy.gives_back(short, ChargeKind.ADJUSTMENT) is GiveBack.IN_PROPORTION


# --- the ledgers of RF-1 ---


def credit(minor: int) -> Credit:
    """A credit of so many cents."""
    part = evolve(PART, amount=eur(minor))
    return Credit(id=CreditId("C"), cause=CreditCause.RETURNED, parts=(part,))


def test_owed_is_never_below_zero() -> None:
    """Charges less credits."""
    assert owed(eur(100), []) == eur(100)
    assert owed(eur(100), [credit(60)]) == eur(40)
    assert owed(eur(100), [credit(60), credit(60)]) == eur(0)


@pytest.mark.parametrize(
    ("held", "credited", "back"),
    [(0, 100, 0), (40, 50, 0), (100, 50, 50), (100, 100, 100)],
    ids=["on account, unpaid, all returned", "40 paid, 50 returned", "half", "all"],
)
def test_the_printed_examples_of_the_two_ledgers(held: int, credited: int, back: int) -> None:
    """Of 100 charged (RULES RF-1)."""
    claim = claimable(owed(eur(100), [credit(credited)]))
    zero = eur(0)
    assert to_pay_back(eur(held), claim=claim, in_flight=zero, disputed=zero) == eur(back)


def test_a_cancel_that_meets_a_capture_in_flight_ends_with_the_money_back() -> None:
    """Nothing at first; when the capture lands, all of it."""
    zero = eur(0)
    claim = claimable(owed(eur(100), [credit(100)]))
    assert to_pay_back(zero, claim=claim, in_flight=zero, disputed=zero) == zero
    assert to_pay_back(eur(100), claim=claim, in_flight=zero, disputed=zero) == eur(100)


def test_claimable_is_bounded_by_what_is_owed() -> None:
    """Dispatched slots, what earlier tenders pay, and never more than owed or less than zero."""
    assert claimable(eur(100)) == eur(100)
    assert claimable(eur(100), dispatched=eur(40)) == eur(40)
    assert claimable(eur(30), dispatched=eur(40)) == eur(30)
    assert claimable(eur(100), dispatched=eur(40), earlier_due=eur(60)) == eur(60)
    assert claimable(eur(100), dispatched=eur(-5)) == eur(0)
