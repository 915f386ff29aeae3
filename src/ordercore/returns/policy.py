"""
Which goods may come back, until when, at whose cost, and what becomes of them.

A policy is a value that is frozen into the order's terms, so a changed setting never closes a
window that was promised. `eligibility` answers for one wish, and says which rule decided.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum, unique
from fractions import Fraction
from typing import Final

from attrs import field, frozen

from ordercore.ids import ItemId
from ordercore.moment import BusinessCalendar, Period, Window, after, utc
from ordercore.returns._fields import (
    a,
    count,
    fraction,
    instant,
    item_id,
    period,
    period_or_none,
    tuple_of,
    words,
)
from ordercore.returns.model import Disposition, FreightPayer, Grade, ReturnReason

__all__ = [
    "CategoryWindow",
    "Eligibility",
    "GradeRule",
    "ReasonRule",
    "RefundWaits",
    "ReturnFacts",
    "ReturnPolicy",
    "Season",
    "WithdrawalRight",
    "eligibility",
    "grade_rule",
    "may_grant",
    "window_closes_at",
    "window_opens_at",
]


FOURTEEN_DAYS: Final = Period(days=14)
THIRTY_DAYS: Final = Period(days=30)
_DAY: Final = timedelta(days=1)


@unique
class RefundWaits(StrEnum):
    """What the money back may wait for."""

    NOTHING = "nothing"
    PROOF_OF_SENDING = "proof_of_sending"
    GOODS = "goods"


@frozen(kw_only=True)
class WithdrawalRight:
    """
    A right by law to give goods back, never refused inside its window (RULES R-3).

    The defaults are those of Directive 2011/83/EU, articles 9, 13 and 16: 14 days, the money back
    within 14 days, and it may wait for the goods. Some goods are exempt, some once opened.
    """

    window: Period = field(default=FOURTEEN_DAYS, validator=period)
    exempt: tuple[str, ...] = field(default=(), validator=tuple_of(str))
    """Categories that the right does not cover."""
    exempt_when_opened: tuple[str, ...] = field(default=(), validator=tuple_of(str))
    refund_within: Period = field(default=FOURTEEN_DAYS, validator=period)
    refund_waits: RefundWaits = field(default=RefundWaits.GOODS, validator=a(RefundWaits))


@frozen(kw_only=True)
class CategoryWindow:
    """Another window for one category of goods."""

    category: str = field(validator=words)
    window: Period = field(validator=period)


@frozen(kw_only=True)
class Season:
    """Orders placed on these local days may come back until the end of ``returnable_until``."""

    placed_from: date = field(validator=a(date))
    placed_until: date = field(validator=a(date))
    returnable_until: date = field(validator=a(date))


@frozen(kw_only=True)
class ReasonRule:
    """
    What a reason for a return changes.

    ``window`` replaces the shop's own. ``despite_final_sale``: goods that cannot come back
    otherwise can for this reason.
    """

    reason: ReturnReason = field(validator=a(ReturnReason))
    freight: FreightPayer = field(default=FreightPayer.SHOP, validator=a(FreightPayer))
    window: Period | None = field(default=None, validator=period_or_none)
    despite_final_sale: bool = field(default=True, validator=a(bool))


@frozen(kw_only=True)
class GradeRule:
    """What follows from a grade unless the inspection says something else (RULES R-4)."""

    grade: Grade = field(validator=a(Grade))
    disposition: Disposition = field(validator=a(Disposition))
    accepted: bool = field(default=True, validator=a(bool))
    deduction: Fraction = field(default=Fraction(0), converter=fraction)
    """The part of the goods' value that is kept back."""


FAULTS_OF_THE_SHOP: Final = (
    ReasonRule(reason=ReturnReason.WRONG_ITEM),
    ReasonRule(reason=ReturnReason.NOT_AS_DESCRIBED),
    ReasonRule(reason=ReturnReason.DEFECTIVE),
    ReasonRule(reason=ReturnReason.DAMAGED_IN_TRANSIT),
    ReasonRule(reason=ReturnReason.MISSING),
    ReasonRule(reason=ReturnReason.WARRANTY, window=Period(months=24)),
)
USUAL_GRADES: Final = (
    GradeRule(grade=Grade.A_NEW, disposition=Disposition.RESTOCK),
    GradeRule(grade=Grade.B_OPENED, disposition=Disposition.REFURBISH),
    GradeRule(grade=Grade.C_DAMAGED, disposition=Disposition.SCRAP, accepted=False),
    GradeRule(grade=Grade.D_DEFECTIVE, disposition=Disposition.VENDOR),
    GradeRule(grade=Grade.WRONG_ITEM, disposition=Disposition.REFURBISH, accepted=False),
    GradeRule(grade=Grade.MISSING, disposition=Disposition.KEEP, accepted=False),
)


@frozen(kw_only=True)
class ReturnPolicy:
    """
    The shop's return policy.

    ``window`` None: nothing comes back but by law or for a reason with a window of its own. All
    windows are counted in ``tz`` and include their last day. ``granters`` may let exceptions pass:
    actors, or a beginning with a star such as ``staff:*``.
    """

    window: Period | None = field(default=THIRTY_DAYS, validator=period_or_none)
    tz: str = "UTC"
    days_from_dispatch: int = field(default=14, validator=count)
    """After so many days goods count as delivered when nobody reports it."""
    category_windows: tuple[CategoryWindow, ...] = field(
        default=(), validator=tuple_of(CategoryWindow)
    )
    final_sale: tuple[str, ...] = field(default=(), validator=tuple_of(str))
    """Categories that cannot come back."""
    sealed_only: tuple[str, ...] = field(default=(), validator=tuple_of(str))
    """Categories that cannot come back once opened."""
    seasons: tuple[Season, ...] = field(default=(), validator=tuple_of(Season))
    reasons: tuple[ReasonRule, ...] = field(
        default=FAULTS_OF_THE_SHOP, validator=tuple_of(ReasonRule)
    )
    freight: FreightPayer = field(default=FreightPayer.CUSTOMER, validator=a(FreightPayer))
    """Who pays for the way back where the reason does not say."""
    withdrawal: WithdrawalRight | None = field(
        default=None, validator=a(WithdrawalRight, optional=True)
    )
    grades: tuple[GradeRule, ...] = field(default=USUAL_GRADES, validator=tuple_of(GradeRule))
    approve_automatically: bool = field(default=False, validator=a(bool))
    granters: tuple[str, ...] = field(default=("staff:*",), validator=tuple_of(str))

    def __attrs_post_init__(self) -> None:
        """Check the time zone before it is needed."""
        Window(Period(), self.tz)

    def reason_rule(self, reason: ReturnReason) -> ReasonRule | None:
        """What *reason* changes, if anything."""
        return next((rule for rule in self.reasons if rule.reason is reason), None)


@frozen(kw_only=True)
class ReturnFacts:
    """
    What a policy must know about a line.

    The two times are those of the line's delivery group, ``group_delivered`` whether all of it has
    been delivered: the window begins with the *last* delivery (RULES R-3).
    """

    item: ItemId = field(converter=item_id)
    category: str = ""
    returnable: bool = True
    tracked: bool = True
    placed_at: datetime | None = field(default=None, converter=instant)
    last_delivered_at: datetime | None = field(default=None, converter=instant)
    last_dispatched_at: datetime | None = field(default=None, converter=instant)
    group_delivered: bool = True


@frozen(kw_only=True)
class Eligibility:
    """
    Whether units may come back, and why.

    ``until`` is the first instant at which it is too late; empty while the window has not begun,
    and where no window decided. ``is_right``: by law, so it cannot be rejected.
    """

    allowed: bool
    rule: str
    until: datetime | None = None
    freight: FreightPayer = FreightPayer.CUSTOMER
    is_right: bool = False


def window_opens_at(policy: ReturnPolicy, facts: ReturnFacts) -> datetime | None:
    """
    When the window begins: with the last delivery, or some days after the last dispatch.

    Empty while nothing was dispatched.

    Source:
        RULES R-3.
    """
    if facts.last_delivered_at is not None and facts.group_delivered:
        return facts.last_delivered_at
    if facts.last_dispatched_at is None:
        return None
    return after(facts.last_dispatched_at, Period(days=policy.days_from_dispatch), policy.tz)


def window_closes_at(policy: ReturnPolicy, facts: ReturnFacts) -> datetime | None:
    """
    The first instant at which units can no longer come back without a special reason.

    The latest of the shop's window, the season's and the right of withdrawal; empty while the
    window has not begun. Where nothing allows a return it is when the window would begin.

    Source:
        RULES R-3.
    """
    opens_at = window_opens_at(policy, facts)
    if opens_at is None:
        return None
    ends = [opens_at]
    if _right_covers(policy, facts, opened=False) and policy.withdrawal is not None:
        ends.append(_closes(policy, policy.withdrawal.window, opens_at))
    if facts.returnable and facts.category not in policy.final_sale:
        ends.extend(_shop_ends(policy, facts, opens_at))
    return max(ends)


def eligibility(
    policy: ReturnPolicy,
    facts: ReturnFacts,
    reason: ReturnReason,
    *,
    now: datetime,
    opened: bool = False,
) -> Eligibility:
    """
    Whether units of a line may come back for *reason*, and which rule says so.

    In this order: the right of withdrawal, a window of the reason's own, final sale, broken
    seals, then the shop's window, the season's if that is longer. A clock that was set back never
    closes a window.

    Source:
        RULES R-3.

    >>> from ordercore.moment import parse_instant
    >>> facts = ReturnFacts(item=ItemId("shirt"),
    ...                     last_delivered_at=parse_instant("2028-01-31T20:00:00Z"))
    >>> policy = ReturnPolicy(window=Period(months=1))
    >>> eligibility(policy, facts, ReturnReason.OTHER,
    ...             now=parse_instant("2028-02-29T23:59:59Z")).allowed
    True
    >>> eligibility(policy, facts, ReturnReason.OTHER,
    ...             now=parse_instant("2028-03-01T00:00:00Z")).rule
    'the return window is over'
    """
    at = utc(now)
    rule = policy.reason_rule(reason)
    freight = policy.freight if rule is None else rule.freight
    opens_at = window_opens_at(policy, facts)
    if policy.withdrawal is not None and _right_covers(policy, facts, opened=opened):
        until = _end(policy, policy.withdrawal.window, opens_at)
        if until is None or at < until:
            return Eligibility(
                allowed=True,
                rule="right of withdrawal",
                until=until,
                freight=freight,
                is_right=True,
            )
    if rule is not None and rule.window is not None:
        return _within(_end(policy, rule.window, opens_at), at, freight, f"reason {reason.value}")
    excused = rule is not None and rule.despite_final_sale
    barred = "" if excused else _barred(policy, facts, opened=opened)
    if barred:
        return Eligibility(allowed=False, rule=barred, freight=freight)
    if opens_at is None:
        return Eligibility(allowed=True, rule="not delivered yet", freight=freight)
    ends = _shop_ends(policy, facts, opens_at)
    if not ends:
        return Eligibility(allowed=False, rule="the shop takes nothing back", freight=freight)
    return _within(max(ends), at, freight, "return window")


def _right_covers(policy: ReturnPolicy, facts: ReturnFacts, *, opened: bool) -> bool:
    right = policy.withdrawal
    if right is None or facts.category in right.exempt:
        return False
    return not (opened and facts.category in right.exempt_when_opened)


def _barred(policy: ReturnPolicy, facts: ReturnFacts, *, opened: bool) -> str:
    if not facts.returnable or facts.category in policy.final_sale:
        return "final sale"
    if opened and facts.category in policy.sealed_only:
        return "opened goods"
    return ""


def _shop_ends(policy: ReturnPolicy, facts: ReturnFacts, opens_at: datetime) -> list[datetime]:
    """When the shop's own windows are over: the category's or the usual one, and a season's."""
    own = [rule.window for rule in policy.category_windows if rule.category == facts.category]
    windows = own or ([] if policy.window is None else [policy.window])
    ends = [_closes(policy, window, opens_at) for window in windows]
    if ends and facts.placed_at is not None:
        calendar = BusinessCalendar(tz=policy.tz)
        ends.extend(
            calendar.ends_at(season.returnable_until)
            for season in policy.seasons
            if _placed_in(season, calendar, facts.placed_at)
        )
    return ends


def _placed_in(season: Season, calendar: BusinessCalendar, placed_at: datetime) -> bool:
    if placed_at >= calendar.ends_at(season.placed_until):
        return False
    return placed_at >= calendar.ends_at(season.placed_from - _DAY)


def _closes(policy: ReturnPolicy, window: Period, opens_at: datetime) -> datetime:
    return Window(window, policy.tz).closes_at(opens_at)


def _end(policy: ReturnPolicy, window: Period, opens_at: datetime | None) -> datetime | None:
    return None if opens_at is None else _closes(policy, window, opens_at)


def _within(until: datetime | None, now: datetime, freight: FreightPayer, rule: str) -> Eligibility:
    if until is None or now < until:
        return Eligibility(allowed=True, rule=rule, until=until, freight=freight)
    return Eligibility(
        allowed=False, rule="the return window is over", until=until, freight=freight
    )


def may_grant(policy: ReturnPolicy, actor: str) -> bool:
    """Whether *actor* may let a return pass that the policy forbids."""
    return any(
        actor.startswith(pattern[:-1]) if pattern.endswith("*") else actor == pattern
        for pattern in policy.granters
    )


def grade_rule(policy: ReturnPolicy, grade: Grade) -> GradeRule:
    """What follows from *grade*; what the policy does not list stays unavailable, accepted."""
    usual = GradeRule(grade=grade, disposition=Disposition.REFURBISH)
    return next((rule for rule in policy.grades if rule.grade is grade), usual)
