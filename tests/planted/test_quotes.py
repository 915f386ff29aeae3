"""Wrong quotes, each of which the law of quotes must notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import pytest
from attrs import evolve

from ordercore.facts import Request
from ordercore.money import Money
from ordercore.order import quote as quoting
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.refund.calculate import RefundBasis, calculate
from ordercore.refund.model import Credit, RefundQuote, RefundRequest
from ordercore.refund.policy import RefundPolicy
from tests.laws.test_quotes import asked_for_less, forgiven, held_back, unsent

Story = Callable[[], None]


def sums_alone(order: Order, request: RefundRequest, now: datetime) -> RefundQuote:
    """The sums are right; whether the refund would be refused is not asked."""
    del now
    return _CALCULATE(quoting.refund_basis(order), request, order.terms.refund)


def no_refusal(order: Order, kind: type[Request]) -> None:
    """Nothing is ever stopped."""
    del order, kind


def before_the_credit(
    basis: RefundBasis,
    request: RefundRequest,
    policy: RefundPolicy | None = None,
    *,
    pay_back: Callable[[Credit], Money] | None = None,
) -> RefundQuote:
    """What goes back is worked out from what was known before the credit."""
    del pay_back
    return _CALCULATE(basis, request, policy)


def to_the_cent(order: Order) -> object:
    """Nothing is little enough to be forgotten."""
    return balance(evolve(order, terms=evolve(order.terms, tolerance=0)))


_CALCULATE: Final = calculate
BUGS: Final[tuple[tuple[str, object, Story], ...]] = (
    ("quote_refund", sums_alone, unsent),
    ("refusal", no_refusal, held_back),
    ("balance", to_the_cent, forgiven),
    ("calculate", before_the_credit, forgiven),
    ("calculate", before_the_credit, asked_for_less),
)


@pytest.mark.parametrize(("name", "bug", "story"), BUGS)
def test_a_wrong_quote_is_found(
    name: str, bug: object, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RF-2: what the quote and the refund have in common is needed, each part of it."""
    monkeypatch.setattr(quoting, name, bug)
    with pytest.raises(AssertionError):
        story()
