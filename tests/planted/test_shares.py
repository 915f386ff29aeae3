"""Wrong ways to share what is owed among tenders, each of which the law of shares must notice."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

import pytest

from ordercore.ids import Key, TenderId
from ordercore.payment import intents as intending
from ordercore.payment._book import Book
from ordercore.payment._desk import Desk, Want
from ordercore.payment.balance import in_turn
from ordercore.payment.model import Operation, OperationState
from ordercore.payment.policy import Capabilities
from tests.laws.payment_world import Fate
from tests.laws.test_shares import law_of_shares, shop_of

Patch = tuple[object, str, object]


def added() -> None:
    """A gift card, then a second card, are added when the first card covers all."""
    law_of_shares([("card", None)], [(("gift", 700), [])])
    law_of_shares([("card", None)], [(("card", 700), [])])


def cancelled() -> None:
    """Two cards, and a unit that is not wanted any more; the second one would fit."""
    law_of_shares([("card", None), ("card", 700)], [(("cancel", 1_000), [])])


def let_go() -> None:
    """A card that was asked twice, and one of both is not needed; nobody answers for a while."""
    silence = [Fate.LOST_ANSWER]
    law_of_shares([("card", None)], [(("amend", 4_000), []), (("cancel", 4_000), silence)])
    shop = shop_of([("card", 2_000), ("card", None)], Capabilities(partial_void=True))
    law_of_shares((), [(("cancel", 300), silence)], shop)


def renewed() -> None:
    """What fades is declined when it is taken anew."""
    shop = shop_of([("card", None)], Capabilities(), renews=True)
    law_of_shares((), [(("wait", 1_380), [Fate.DECLINED])], shop)


def in_parts() -> None:
    """A gift card comes after the first parcel, and covers what is added to the order."""
    steps = [("send", 1_000), ("gift", 700), ("amend", 700), ("send", 300)]
    law_of_shares([("card", None)], [(step, []) for step in steps])


def outside() -> None:
    """A transfer brings more than its part: the card brings less, and its surplus is let go."""
    shop = shop_of([("bank", 700), ("card", None)], Capabilities(partial_void=True))
    law_of_shares((), [(("pay", 1_000), []), (("cancel", 200), [])], shop)


STORIES = (added, cancelled, let_go, renewed, in_parts, outside)


@pytest.mark.parametrize("story", STORIES)
def test_the_law_holds(story: object) -> None:
    """Without a bug every story keeps the law, so what falls below falls because of the bug."""
    assert callable(story)
    story()


def as_planned(desk: Desk) -> Mapping[TenderId, int]:
    """Each tender is waited for, whatever covers its part."""
    return {tender: part.minor for tender, part in desk.planned.items()}


def whatever_fits(desk: Desk, *, but: Container[Key | None] = ()) -> Iterator[Want]:
    """The latest authorisation that fits goes, whatever the plan says."""
    surplus = desk.firm() - desk.needed
    for found in reversed(tuple(desk.state.of(Operation.AUTHORISE))):
        amount = _VOIDABLE(desk, found, surplus) if found.intent.key not in but else 0
        if amount > 0:
            yield desk.want(Operation.VOID, found.intent.tender, amount, found.intent.key)
            surplus -= amount


def never_going(_self: Book, _authorisation: OperationState) -> int:
    """What is being let go still counts."""
    return 0


def fades_away(desk: Desk, found: OperationState, surplus: int) -> int:
    """What fades is let go, whether anything has taken its place or not."""
    busy = desk.book.is_busy(found) or desk.is_over(found)
    if desk.fades(found) and not busy:
        return desk.book.live(found)
    return _VOIDABLE(desk, found, surplus)


def without_a_limit(desk: Desk) -> Iterator[tuple[TenderId, int]]:
    """Each tender brings its share of the claim, whatever others have brought already."""
    claim, shares = min(desk.basis.claimable.minor, desk.basis.owed.minor), desk.shares()
    for tender in in_turn(desk.state):
        own, part = desk.book.of(tender.id), min(max(0, claim), shares[tender.id])
        claim -= part
        want = part - own.brought - own.captures_in_flight + own.refunds_in_flight
        if tender.uses_gateway and want > 0:
            yield tender.id, want


_VOIDABLE = intending._voidable
PLAN: Patch = (Desk, "shares", as_planned)
BUGS: tuple[tuple[str, tuple[Patch, ...], object], ...] = (
    ("captures by the plan alone", (PLAN,), added),
    ("voids whatever fits", (PLAN, (intending, "voids", whatever_fits)), cancelled),
    ("one surplus twice", ((Book, "voiding", never_going),), let_go),
    ("voids what fades in any case", ((intending, "_voidable", fades_away),), renewed),
    ("claims without a limit", ((intending, "claims", without_a_limit),), in_parts),
    ("what was brought beyond the plan", (PLAN,), outside),
)


@pytest.mark.parametrize(("patches", "story"), [bug[1:] for bug in BUGS], ids=[b[0] for b in BUGS])
def test_each_bug_falls(
    patches: tuple[Patch, ...], story: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bug in place its story breaks the law."""
    for where, name, bug in patches:
        monkeypatch.setattr(where, name, bug)
    assert callable(story)
    with pytest.raises(AssertionError):
        story()
