from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from attrs import evolve as changed

from ordercore.errors import OrderCoreError
from ordercore.ids import ItemId
from ordercore.moment import Period, UnknownTimeZoneError, parse_instant
from ordercore.returns.model import (
    Disposition,
    FreightPayer,
    Grade,
    InvalidReturnError,
    ReturnReason,
)
from ordercore.returns.policy import (
    CategoryWindow,
    GradeRule,
    ReasonRule,
    ReturnFacts,
    ReturnPolicy,
    Season,
    WithdrawalRight,
    eligibility,
    grade_rule,
    may_grant,
    window_closes_at,
    window_opens_at,
)

ITEM = ItemId("shirt")
BOUGHT = ReturnFacts(item=ITEM, last_delivered_at=parse_instant("2026-03-02T09:00:00Z"))
MIND = ReturnReason.CHANGED_MIND


def at(text: str) -> datetime:
    return parse_instant(text)


def test_a_window_counts_from_the_last_delivery() -> None:
    """Thirty days, the whole last day included."""
    policy = ReturnPolicy()
    assert eligibility(policy, BOUGHT, MIND, now=at("2026-04-01T23:59:59Z")).allowed
    answer = eligibility(policy, BOUGHT, MIND, now=at("2026-04-02T00:00:00Z"))
    assert (False, "the return window is over", at("2026-04-02T00:00:00Z")) == (
        answer.allowed,
        answer.rule,
        answer.until,
    )


@pytest.mark.parametrize(
    ("delivered", "tz", "until"),
    [
        ("2028-01-31T12:00:00Z", "UTC", "2028-03-01T00:00:00Z"),
        ("2027-01-31T12:00:00Z", "UTC", "2027-03-01T00:00:00Z"),
        ("2026-02-28T23:30:00Z", "Europe/Vienna", "2026-04-01T22:00:00Z"),
        ("2026-03-10T05:30:00Z", "America/New_York", "2026-04-11T04:00:00Z"),
        ("2026-10-01T10:00:00Z", "Europe/Vienna", "2026-11-01T23:00:00Z"),
    ],
)
def test_a_month_is_one_of_the_shops_calendar(delivered: str, tz: str, until: str) -> None:
    """Leap days, short months and clock changes are those of the shop's time zone (R-3)."""
    policy = ReturnPolicy(window=Period(months=1), tz=tz)
    facts = ReturnFacts(item=ITEM, last_delivered_at=at(delivered))
    assert at(until) == window_closes_at(policy, facts)


def test_the_window_waits_for_the_rest_of_the_group() -> None:
    """It begins with the last delivery; what nobody reports counts some days after dispatch."""
    policy = ReturnPolicy(window=Period(days=10), days_from_dispatch=5)
    waiting = changed(BOUGHT, group_delivered=False, last_dispatched_at=at("2026-03-04T12:00:00Z"))
    assert at("2026-03-09T12:00:00Z") == window_opens_at(policy, waiting)
    assert at("2026-03-20T00:00:00Z") == window_closes_at(policy, waiting)
    unsent = changed(waiting, last_dispatched_at=None, last_delivered_at=None)
    assert window_opens_at(policy, unsent) is None
    assert window_closes_at(policy, unsent) is None
    answer = eligibility(policy, unsent, MIND, now=at("2030-01-01T00:00:00Z"))
    assert (True, "not delivered yet") == (answer.allowed, answer.rule)


def test_categories_have_windows_of_their_own() -> None:
    """A category's window replaces the shop's."""
    policy = ReturnPolicy(
        category_windows=(CategoryWindow(category="audio", window=Period(days=3)),)
    )
    audio = changed(BOUGHT, category="audio")
    late = at("2026-03-08T00:00:00Z")
    assert not eligibility(policy, audio, MIND, now=late).allowed
    assert eligibility(policy, BOUGHT, MIND, now=late).allowed


SALE = ReturnPolicy(final_sale=("outlet",), sealed_only=("software",))


@pytest.mark.parametrize(
    ("facts", "opened", "rule"),
    [
        (changed(BOUGHT, category="outlet"), False, "final sale"),
        (changed(BOUGHT, returnable=False), False, "final sale"),
        (changed(BOUGHT, category="software"), True, "opened goods"),
    ],
)
def test_some_goods_do_not_come_back(facts: ReturnFacts, opened: bool, rule: str) -> None:
    """Final sale and broken seals, unless the shop is at fault."""
    now = at("2026-03-03T00:00:00Z")
    answer = eligibility(SALE, facts, MIND, now=now, opened=opened)
    assert (False, rule, None) == (answer.allowed, answer.rule, answer.until)
    wrong = eligibility(SALE, facts, ReturnReason.WRONG_ITEM, now=now, opened=opened)
    assert (True, FreightPayer.SHOP) == (wrong.allowed, wrong.freight)


def test_an_unbroken_seal_comes_back() -> None:
    """Sealed goods are goods like others."""
    facts = changed(BOUGHT, category="software")
    assert eligibility(SALE, facts, MIND, now=at("2026-03-03T00:00:00Z")).allowed


def test_a_reason_may_have_its_own_window() -> None:
    """A warranty lasts for years, and the shop pays the way back."""
    now = at("2027-12-01T00:00:00Z")
    answer = eligibility(ReturnPolicy(), BOUGHT, ReturnReason.WARRANTY, now=now)
    assert (True, "reason warranty", FreightPayer.SHOP) == (
        answer.allowed,
        answer.rule,
        answer.freight,
    )
    assert not eligibility(
        ReturnPolicy(), BOUGHT, ReturnReason.WARRANTY, now=at("2028-03-03T00:00:00Z")
    ).allowed


def test_the_reason_decides_who_pays_the_way_back() -> None:
    """A change of mind is the customer's, by default."""
    policy = ReturnPolicy(
        reasons=(
            ReasonRule(
                reason=ReturnReason.WRONG_SIZE,
                freight=FreightPayer.SHOP,
                despite_final_sale=False,
            ),
        ),
    )
    now = at("2026-03-03T00:00:00Z")
    assert FreightPayer.CUSTOMER is eligibility(policy, BOUGHT, MIND, now=now).freight
    assert (
        FreightPayer.SHOP is eligibility(policy, BOUGHT, ReturnReason.WRONG_SIZE, now=now).freight
    )
    sale = changed(BOUGHT, returnable=False)
    assert not eligibility(policy, sale, ReturnReason.WRONG_SIZE, now=now).allowed


CHRISTMAS = Season(
    placed_from=date(2026, 11, 15),
    placed_until=date(2026, 12, 24),
    returnable_until=date(2027, 1, 31),
)


@pytest.mark.parametrize(
    ("placed", "allowed"),
    [
        ("2026-11-14T22:59:59Z", False),
        ("2026-11-14T23:00:00Z", True),
        ("2026-12-24T22:59:59Z", True),
        ("2026-12-24T23:00:00Z", False),
    ],
)
def test_a_season_lengthens_the_window(placed: str, allowed: bool) -> None:
    """For orders of local days in the season, until the end of a local day."""
    policy = ReturnPolicy(window=Period(days=14), tz="Europe/Vienna", seasons=(CHRISTMAS,))
    facts = ReturnFacts(
        item=ITEM, placed_at=at(placed), last_delivered_at=at("2026-12-20T12:00:00Z")
    )
    assert allowed is eligibility(policy, facts, MIND, now=at("2027-01-31T22:59:59Z")).allowed
    assert not eligibility(policy, facts, MIND, now=at("2027-01-31T23:00:00Z")).allowed


EU = ReturnPolicy(
    window=None,
    withdrawal=WithdrawalRight(exempt=("custom",), exempt_when_opened=("hygiene",)),
)


def test_the_law_comes_before_the_shop() -> None:
    """Even where the shop takes nothing back, inside fourteen days it must."""
    answer = eligibility(EU, BOUGHT, MIND, now=at("2026-03-16T23:59:59Z"))
    assert (True, True, "right of withdrawal") == (answer.allowed, answer.is_right, answer.rule)
    late = eligibility(EU, BOUGHT, MIND, now=at("2026-03-17T00:00:00Z"))
    assert (False, "the shop takes nothing back") == (late.allowed, late.rule)


@pytest.mark.parametrize(
    ("category", "opened", "allowed"),
    [("custom", False, False), ("hygiene", False, True), ("hygiene", True, False)],
)
def test_the_law_has_exceptions(category: str, opened: bool, allowed: bool) -> None:
    """Goods made to order, and sealed goods once opened (Directive 2011/83/EU, article 16)."""
    facts = changed(BOUGHT, category=category)
    now = at("2026-03-05T00:00:00Z")
    assert allowed is eligibility(EU, facts, MIND, now=now, opened=opened).allowed


def test_the_law_covers_what_the_shop_would_not_take() -> None:
    """Final sale is no exemption by law; the last closing counts for the order's end."""
    sale = changed(BOUGHT, returnable=False)
    assert eligibility(EU, sale, MIND, now=at("2026-03-05T00:00:00Z")).is_right
    assert at("2026-03-17T00:00:00Z") == window_closes_at(EU, sale)
    nothing = ReturnPolicy(window=None)
    assert BOUGHT.last_delivered_at == window_closes_at(nothing, BOUGHT)


def test_a_clock_set_back_closes_no_window() -> None:
    """Before the delivery, by a wrong clock, is still inside."""
    assert eligibility(ReturnPolicy(), BOUGHT, MIND, now=at("2026-03-01T00:00:00Z")).allowed


def test_who_may_grant_an_exception() -> None:
    """By name, or by the beginning of it."""
    policy = ReturnPolicy(granters=("staff:ann", "lead:*"))
    assert [True, False, True, False] == [
        may_grant(policy, actor) for actor in ("staff:ann", "staff:bob", "lead:eve", "customer:1")
    ]


def test_a_grade_says_what_becomes_of_a_unit() -> None:
    """What the policy does not list stays where it is."""
    policy = ReturnPolicy(
        grades=(
            GradeRule(
                grade=Grade.B_OPENED,
                disposition=Disposition.RESTOCK,
                deduction=Fraction(1, 5),
            ),
        )
    )
    assert (Disposition.RESTOCK, Fraction(1, 5)) == (
        grade_rule(policy, Grade.B_OPENED).disposition,
        grade_rule(policy, Grade.B_OPENED).deduction,
    )
    assert Disposition.REFURBISH is grade_rule(policy, Grade.A_NEW).disposition


def test_a_policy_is_checked_when_it_is_made() -> None:
    """An unknown time zone, a deduction above all, a time without a zone."""
    with pytest.raises(UnknownTimeZoneError):
        ReturnPolicy(tz="Europe/Wien")
    with pytest.raises(InvalidReturnError, match="between 0 and 1"):
        GradeRule(grade=Grade.A_NEW, disposition=Disposition.SCRAP, deduction=Fraction(6, 5))
    with pytest.raises(OrderCoreError):
        ReturnFacts(item=ITEM, placed_at=datetime(2026, 1, 1))  # noqa: DTZ001 - it is wrong
    with pytest.raises(OrderCoreError):
        ReturnPolicy(days_from_dispatch=-1)
    assert datetime(2026, 1, 1, tzinfo=UTC) == at("2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (ReturnPolicy, "window", 30),
        (ReturnPolicy, "freight", "shop"),
        (ReturnPolicy, "granters", "staff:*"),
        (ReturnPolicy, "final_sale", "food"),
        (ReturnPolicy, "sealed_only", ["food"]),
        (ReturnPolicy, "category_windows", (30,)),
        (ReturnPolicy, "seasons", (date(2026, 1, 1),)),
        (ReturnPolicy, "reasons", ("defective",)),
        (ReturnPolicy, "withdrawal", True),
        (ReturnPolicy, "grades", None),
        (ReturnPolicy, "approve_automatically", 1),
        (WithdrawalRight, "window", 14),
        (WithdrawalRight, "refund_waits", "goods"),
        (WithdrawalRight, "exempt", "food"),
    ],
    ids=lambda given: getattr(given, "__name__", repr(given)),
)
def test_a_policy_names_the_field_that_cannot_be(kind: type, name: str, value: object) -> None:
    """A wrong setting is refused when the policy is made, not with the first order (X-4)."""
    with pytest.raises(InvalidReturnError) as caught:
        kind(**{name: value})
    assert name == caught.value.name
    assert str(caught.value).startswith(f"{name} cannot be used: ")


def test_rules_of_a_policy_name_the_field_that_cannot_be() -> None:
    """The rules inside a policy are checked when they are made as well."""
    loose: list[tuple[str, type, dict[str, object]]] = [
        ("window", CategoryWindow, {"category": "food", "window": 3}),
        ("category", CategoryWindow, {"category": None, "window": Period(days=3)}),
        ("reason", ReasonRule, {"reason": "defective"}),
        ("freight", ReasonRule, {"reason": MIND, "freight": "shop"}),
        ("grade", GradeRule, {"grade": "a_new", "disposition": Disposition.RESTOCK}),
        ("disposition", GradeRule, {"grade": Grade.A_NEW, "disposition": "restock"}),
        (
            "placed_from",
            Season,
            {
                "placed_from": datetime(2026, 11, 1, tzinfo=UTC),
                "placed_until": date(2026, 12, 24),
                "returnable_until": date(2027, 1, 31),
            },
        ),
    ]
    for name, kind, fields in loose:
        with pytest.raises(InvalidReturnError) as caught:
            kind(**fields)
        assert name == caught.value.name
