"""Where money goes back to (RULES RF-5)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from attrs import evolve

from ordercore.ids import TenderId
from ordercore.money import NegativeAmountError
from ordercore.refund.model import InvalidRefundError, TenderShare
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
from tests.unit.pricing.shop import eur

CARD, GIFT, WALLET = (
    TenderBalance(
        tender=TenderId(name),
        kind=kind,
        captured=eur(captured),
        refunded=eur(refunded),
        in_flight=eur(0),
        disputed=eur(0),
    )
    for name, kind, captured, refunded in (
        ("card", "card", 5000, 1000),
        ("gift", "gift_card", 2000, 0),
        ("wallet", "wallet", 3000, 0),
    )
)
TENDERS = (CARD, GIFT, WALLET)


def sent(minor: int, order: TenderOrder, *tenders: TenderBalance) -> dict[str, int]:
    """How much each tender gives."""
    shares = destinations(eur(minor), tenders or TENDERS, order)
    return {share.tender: share.amount.minor for share in shares}


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (ReverseOrder(), {"wallet": 3000, "gift": 600}),
        (OriginalFirst(), {"card": 3600}),
        (InProportion(), {"card": 1600, "gift": 800, "wallet": 1200}),
        (KindsFirst(), {"gift": 2000, "wallet": 1600}),
        (
            KindsFirst(kinds=("wallet", "gift_card"), then=OriginalFirst()),
            {"wallet": 3000, "gift": 600},
        ),
        (KindsFirst(kinds=("points",), then=OriginalFirst()), {"card": 3600}),
    ],
)
def test_strategies(order: TenderOrder, found: dict[str, int]) -> None:
    """36.00 of a card that holds 40.00, a gift card with 20.00, and a wallet with 30.00."""
    assert sent(3600, order) == found


def test_nothing_goes_nowhere() -> None:
    """No amount, no shares."""
    for order in (ReverseOrder(), InProportion(), KindsFirst()):
        assert sent(0, order) == {}


def test_a_tender_gives_no_more_than_it_holds() -> None:
    """Refunded, in flight and disputed money is gone; the sum is refused, and no single one."""
    busy = evolve(CARD, in_flight=eur(500), disputed=eur(3000))
    assert busy.room == eur(500)
    assert evolve(busy, disputed=eur(9000)).room == eur(0)
    assert sent(9000, ReverseOrder()) == {"card": 4000, "gift": 2000, "wallet": 3000}
    with pytest.raises(RefundExceedsHeldError) as caught:
        sent(9001, ReverseOrder())
    assert (caught.value.amount, caught.value.held) == (eur(9001), eur(9000))


def test_a_closed_tender_names_who_gets_its_money() -> None:
    """It still counts against the closed one."""
    closed = evolve(CARD, closed=True, fallback=TenderId("bank"))
    (share,) = destinations(eur(100), [closed], ReverseOrder())
    assert share == TenderShare(tender=TenderId("card"), amount=eur(100), sent_to=TenderId("bank"))
    with pytest.raises(InvalidRefundError):
        evolve(CARD, closed=True)


def test_store_credit_counts_against_the_originals() -> None:
    """Everything is sent to the credit account, with a tenth on top outside the ceiling."""
    order = ToTender(tender=TenderId("credit"), bonus=Fraction(1, 10))
    shares = destinations(eur(3500), TENDERS, order)
    assert [(one.tender, one.amount.minor, one.sent_to) for one in shares] == [
        ("gift", 500, "credit"),
        ("wallet", 3000, "credit"),
    ]
    assert [one.bonus for one in shares] == [eur(50), eur(300)]
    plain = destinations(eur(100), TENDERS, evolve(order, bonus=Fraction(0)))
    assert plain[0].bonus is None
    with pytest.raises(InvalidRefundError):
        ToTender(tender=TenderId("credit"), bonus=Fraction(2))


def test_a_strategy_of_the_host_is_held_to_its_promise() -> None:
    """Too much for one, not the sum, or not one per tender."""

    class Broken(TenderOrder):
        def amounts(self, minor: int, held: Sequence[Held]) -> Sequence[int]:
            return {1: [minor], 2: [minor - 1, 0, 0]}.get(minor % 3, [minor, 0, 0])[: len(held)]

    for minor in (100, 101, 4002):
        with pytest.raises(InvalidRefundError, match="Broken"):
            sent(minor, Broken())


def test_balances_are_not_negative() -> None:
    """No ledger of a tender is below zero."""
    with pytest.raises(NegativeAmountError):
        evolve(CARD, captured=eur(-1))
    with pytest.raises(NegativeAmountError):
        sent(-1, ReverseOrder())
