"""A shop at work with the sandbox: whatever goes wrong, both books end the same."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ordercore.payment.policy import Capabilities
from ordercore.testing.sandbox import NO_FAULTS
from tests.simulation.shop_world import BAD, WORSE, law_of_books, run

SETS = {
    "all": Capabilities(),
    "one capture": Capabilities(multiple_capture=False),
    "whole captures": Capabilities(partial_capture=False),
    "partial voids": Capabilities(partial_void=True),
    "settles first": Capabilities(refund_before_settlement=False),
    "over-capture": Capabilities(over_capture=Fraction(15, 100)),
}


@pytest.mark.parametrize("able", SETS)
def test_without_faults_nothing_is_in_doubt(able: str) -> None:
    """Both books are equal for every order, whatever the gateway can do."""
    assert 0 == law_of_books(run(1, NO_FAULTS, SETS[able]))


@pytest.mark.parametrize("able", SETS)
@pytest.mark.parametrize("seed", [2, 3])
def test_with_faults_the_books_are_equal(able: str, seed: int) -> None:
    """Hardly any order is left to a person, and none is charged or paid back wrongly."""
    assert law_of_books(run(seed, BAD, SETS[able])) <= 2


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_with_worse_faults_money_is_safe(seed: int) -> None:
    """Doubt is allowed, a wrong amount is not."""
    law_of_books(run(seed, WORSE, Capabilities()))


@pytest.mark.parametrize("seed", [7, 8])
def test_a_gateway_that_cannot_be_asked(seed: int) -> None:
    """What it does not tell is left to a person; nothing is guessed."""
    law_of_books(run(seed, BAD, Capabilities(look_up=False)))


def test_the_same_seed_is_the_same_run() -> None:
    """A run that failed can be run again: the ledgers are equal, row by row."""
    runs = [run(9, BAD, Capabilities()).gateway.ledger() for _ in range(2)]
    assert runs[0] == runs[1]
