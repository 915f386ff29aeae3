"""Strategies: all that they draw is valid, varied, and simple where it can be."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

from hypothesis import find, given, settings
from hypothesis import strategies as st

from ordercore.money import EUR, JPY, Money, sum_money
from ordercore.order.commands import Place
from ordercore.order.events import OrderPlaced
from ordercore.order.terms import Terms
from ordercore.payment.model import TenderKind
from ordercore.payment.policy import Capabilities
from ordercore.pricing.model import Draft, PricedOrder
from ordercore.pricing.totals import price
from ordercore.testing import strategies
from ordercore.testing.scenario import scenario

SOME = settings(max_examples=60)


@SOME
@given(strategies.money(currency=EUR, least=5, most=7))
def test_amounts_keep_their_bounds(amount: Money) -> None:
    """Currency, least and most are as they were asked for."""
    assert EUR is amount.currency
    assert amount.minor in {5, 6, 7}


@SOME
@given(strategies.money(), strategies.instants())
def test_amounts_and_instants_are_valid(amount: Money, instant: datetime) -> None:
    """Amounts of zero or more; instants are aware and in UTC."""
    assert not amount.is_negative
    assert UTC is instant.tzinfo


@SOME
@given(strategies.drafts())
def test_drafts_can_be_priced(draft: Draft) -> None:
    """Each has its lines and one currency, and pricing never refuses it."""
    priced = price(draft)
    assert len(draft.lines) == len(priced.lines)
    assert draft.currency is priced.total.currency


@SOME
@given(strategies.drafts(currency=JPY, most_lines=2))
def test_drafts_keep_their_bounds(draft: Draft) -> None:
    """Currency and number of lines are as they were asked for."""
    assert JPY is draft.currency
    assert len(draft.lines) <= 2


@SOME
@given(strategies.priced_orders())
def test_priced_orders_add_up(priced: PricedOrder) -> None:
    """The total is the sum of the parts (RULES P-7)."""
    assert sum_money([part.gross for part in priced.parts], priced.currency) == priced.total


@SOME
@given(st.data(), strategies.money(least=0, most=10_000))
def test_tenders_can_pay(data: st.DataObject, total: Money) -> None:
    """Fixed parts leave something to the last; nothing needs no tender."""
    drawn = data.draw(strategies.tenders(total))
    amounts = [tender.amount for tender in drawn if tender.amount is not None]
    assert bool(drawn) == total.is_positive
    assert len(drawn) == len({tender.id for tender in drawn})
    if drawn:
        assert drawn[-1].amount is None
        assert sum_money(amounts, total.currency) < total


@SOME
@given(strategies.terms())
def test_terms_fit_together(terms: Terms) -> None:
    """Keys outlive the engine's patience."""
    terms.payment.check(terms.capabilities)


@SOME
@given(strategies.placements())
def test_placements_are_placed(placing: Place) -> None:
    """Each makes an order, and one that comes to rest: what is owed then needs the outside."""
    placed = scenario().when(placing).then(OrderPlaced)
    assert (placing.order, placing.priced) == (placed.order.id, placed.order.priced)
    settled = placed.settled()
    assert settled.order == settled.settled().order


def test_drafts_are_varied() -> None:
    """Several lines with charges, two taxes on a line, and a coupon in yen are found."""
    find(strategies.drafts(), lambda draft: len(draft.lines) > 2 and draft.charges != ())
    find(strategies.drafts(), lambda draft: any(len(line.taxes) == 2 for line in draft.lines))
    find(strategies.drafts(), lambda draft: draft.discounts != () and draft.currency is JPY)


def test_placements_are_varied() -> None:
    """Three tenders, payment on delivery, and a gateway that can do little are found."""
    found = find(strategies.placements(), lambda place: len(place.tenders) == 3)
    assert 3 == len(found.tenders)
    find(
        strategies.placements(),
        lambda place: {TenderKind.CASH_ON_DELIVERY} == {tender.kind for tender in place.tenders},
    )
    find(strategies.capabilities(), lambda able: not able.partial_capture and not able.look_up)


def test_they_shrink_to_something_simple() -> None:
    """A failing draft becomes one line in euros, without tax, discount or shipping."""
    draft = find(strategies.drafts(), lambda draft: price(draft).total.minor >= 100)
    (line,) = draft.lines
    assert (EUR, (), ()) == (draft.currency, draft.discounts, draft.charges)
    assert ((), ()) == (line.taxes, line.discounts)
    able = find(strategies.capabilities(), lambda able: not able.look_up)
    assert Capabilities(look_up=False) == able


def test_a_missing_library_is_named() -> None:
    """Without Hypothesis the module says what to install, and the rest of the library works."""
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import ordercore.testing.scenario\n"
        "from ordercore.errors import OrderCoreError\n"
        "try:\n"
        "    import ordercore.testing.strategies\n"
        "except OrderCoreError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    expected = "ordercore.testing.strategies needs hypothesis; install it beside your tests.\n"
    assert expected == done.stdout
