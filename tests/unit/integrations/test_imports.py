"""What every importer shares: comparing claims, resolving them, and telling old from new."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from ordercore.codec.strict_json import PayloadError
from ordercore.errors import InvalidValueError, RefusedError
from ordercore.ids import PartyId
from ordercore.integrations.imports import (
    Check,
    Discrepancy,
    Imported,
    Newer,
    Policy,
    Stale,
    TotalsMismatchError,
    Unchanged,
    compare_versions,
    priced_at,
    resolve,
)
from ordercore.integrations.people import PartyData, plain
from ordercore.integrations.shopify import read_orders
from ordercore.money import EUR, CurrencyMismatchError, Money
from ordercore.order.party import Address
from ordercore.pricing.model import ChargeKind, Draft
from ordercore.pricing.values import NegativeTotalError

LINES = [{"id": 1, "quantity": 2, "price": "5.00"}]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def imported(**changes: object) -> Imported:
    """An order of 10.00 EUR with these claims."""
    fields = {"id": 9, "currency": "EUR", "line_items": LINES, **changes}
    (order,) = read_orders(json.dumps({"order": fields}))
    return order


def test_every_total_is_compared() -> None:
    """Each claimed figure stands against the computed one, with its place."""
    order = imported(subtotal_price="11.00", total_tax="0.00", total_price="11.00")
    wrong = [("subtotal_price", Check.GOODS), ("total_price", Check.TOTAL)]
    assert [
        Discrepancy(
            field=f"$.order.{name}",
            check=check,
            claimed=Money(1100, EUR),
            computed=Money(1000, EUR),
        )
        for name, check in wrong
    ] == [*order.discrepancies]


@pytest.mark.parametrize("policy", Policy)
def test_an_order_that_agrees_is_taken_as_it_is(policy: Policy) -> None:
    """Without a discrepancy the policy does not matter."""
    order = imported(total_price="10.00")
    assert order.priced == resolve(order, policy)


def test_refuse_says_where_first() -> None:
    """The error is a refusal with all discrepancies as facts, and no personal data."""
    order = imported(subtotal_price="11.00", total_price="11.00", email="ann@example.com")
    with pytest.raises(TotalsMismatchError) as caught:
        resolve(order, Policy.REFUSE)
    assert isinstance(caught.value, RefusedError)
    assert order.discrepancies == caught.value.discrepancies
    assert "order 9" in str(caught.value)
    assert "first at $.order.subtotal_price" in str(caught.value)
    assert "ann@" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("claimed", ["11.50", "7.00", "0.00"])
def test_adjust_takes_the_claimed_total_with_a_line_for_the_difference(claimed: str) -> None:
    """The adjustment is explicit, up or down, and the parts still add up."""
    order = imported(total_price=claimed)
    taken = resolve(order, Policy.ADJUST)
    (adjustment,) = taken.charges
    total = Money.parse(claimed, EUR)
    assert (total, ChargeKind.ADJUSTMENT) == (taken.total, adjustment.kind)
    assert total - Money(1000, EUR) == adjustment.charged
    assert order.priced.lines == taken.lines


def test_adjust_does_not_go_below_zero() -> None:
    """A claimed total below zero is refused under any policy that would take it."""
    with pytest.raises(NegativeTotalError):
        resolve(imported(total_price="-1.00"), Policy.ADJUST)


@pytest.mark.parametrize("claims", [{"subtotal_price": "9.00"}, {"total_price": "10.00"}])
def test_adjust_adds_nothing_where_the_total_is_right(claims: dict[str, str]) -> None:
    """Other figures may differ; the customer owes the same, so there is nothing to adjust."""
    order = imported(discount_codes=[{"code": "X", "amount": "1.00"}], **claims)
    assert order.discrepancies
    assert order.priced == resolve(order, Policy.ADJUST)


def test_computed_takes_what_the_parts_give() -> None:
    """The claims are kept beside it, unchanged."""
    order = imported(total_price="11.00")
    assert Money(1000, EUR) == resolve(order, Policy.COMPUTED).total
    assert Money(1100, EUR) == order.claims.amount(Check.TOTAL)
    assert order.claims.amount(Check.TAX) is None


def test_versions_are_told_apart_by_their_time() -> None:
    """The same order twice or an older version changes nothing."""
    order = evolve(imported(), updated_at=NOON)
    before, after = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
    assert Newer(NOON) == compare_versions(None, order)
    assert Newer(NOON) == compare_versions(before, order)
    assert Unchanged(NOON) == compare_versions(NOON, order)
    assert Stale(known=after, offered=NOON) == compare_versions(after, order)


def test_an_order_without_a_time_is_not_newer_than_a_known_one() -> None:
    """What does not say how old it is cannot replace what is known."""
    order = imported()
    assert Newer(None) == compare_versions(None, order)
    assert Stale(known=NOON, offered=None) == compare_versions(NOON, order)


def test_a_naive_time_is_refused() -> None:
    """Only instants can be compared."""
    with pytest.raises(InvalidValueError):
        compare_versions(NOON.replace(tzinfo=None), imported())


def test_errors_of_the_parts_get_the_path() -> None:
    """Whatever a part refuses becomes a payload error there, with its cause."""

    def make() -> Draft:
        raise CurrencyMismatchError("EUR", "USD")

    with pytest.raises(PayloadError, match=r"at \$\.order: Cannot combine EUR with USD") as caught:
        priced_at("$.order", make)
    assert isinstance(caught.value.__cause__, CurrencyMismatchError)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, ""),
        ("  Ann\tLee \n", "Ann Lee"),
        ("A\u200bnn\u202e", "A nn"),
        ("Zoe\u0308", "Zoë"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("x" * 300, "x" * 200),
        ("\x00\x1b[2J", "[2J"),
    ],
)
def test_text_from_outside_fits_on_one_line(raw: str | None, expected: str) -> None:
    """Control and invisible characters go, the rest stays as it was written."""
    assert expected == plain(raw)


def test_people_become_parties_of_the_host() -> None:
    """The host gives the id; where there is no country there is no destination."""
    person = PartyData(name="Ann", address=Address(country="DE", postal_code="10115"))
    party = person.party(PartyId("p-1"), version=2)
    assert ("p-1", 2, "Ann", person.address) == (party.id, party.version, party.name, party.address)
    assert person.destination is not None
    assert ("DE", "10115") == (person.destination.country, person.destination.postal_code)
    assert PartyData(name="Ann").destination is None
    assert PartyData(address=Address(city="Berlin")).destination is None
    assert "Ann" not in repr(person)
