from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from ordercore.errors import RefusedError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.ids import HoldKind
from ordercore.order import commands as oc
from ordercore.order import possible
from ordercore.order._witnesses import WITNESSES
from ordercore.order._witnesses_goods import Row
from ordercore.order.guards import REQUESTS, refusal
from ordercore.order.model import Order
from ordercore.order.possible import NothingThereError, allowed
from ordercore.order.status import OrderStatus
from ordercore.order.terms import Blocks
from tests.laws.test_allowed import law_of_the_answer
from tests.unit.order.lives import LIVES

Answers = Mapping[type[Request], RefusedError | None]


@pytest.fixture
def held() -> tuple[Order, datetime]:
    """A confirmed order that may not be worked on; a hold that is there can be released."""
    shop, order = LIVES[OrderStatus.CONFIRMED]()
    hold = oc.PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.FULFIL,))
    return shop.do(order.id, hold).order, shop.clock.now


def test_the_law_holds(held: tuple[Order, datetime]) -> None:
    """Without a bug there is nothing to find."""
    law_of_the_answer(*held)


def test_an_answer_that_asks_no_room_is_found(held: tuple[Order, datetime]) -> None:
    """Planted: only the status, holds and stages are asked, as it once was."""

    def hasty(order: Order, now: datetime) -> Answers:
        del now
        return {kind: refusal(order, kind) for kind in REQUESTS}

    with pytest.raises(AssertionError):
        law_of_the_answer(*held, hasty)


def test_an_answer_that_forgets_a_hold_is_found(held: tuple[Order, datetime]) -> None:
    """Planted: what a hold on fulfilment blocks counts as possible."""

    def deaf(order: Order, now: datetime) -> Answers:
        return {**allowed(order, now), fc.PickUnits: None}

    with pytest.raises(AssertionError):
        law_of_the_answer(*held, deaf)


def test_a_kind_without_a_witness_is_found(
    held: tuple[Order, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: nothing is tried for a kind that would be accepted."""

    def none(_: Order, __: datetime) -> tuple[Request, ...]:
        return ()

    changed: Mapping[type[Request], Row] = {**WITNESSES, oc.ReleaseHold: ("hold", none)}
    monkeypatch.setattr(possible, "WITNESSES", changed)
    with pytest.raises(AssertionError):
        law_of_the_answer(*held)


def test_a_wrong_reason_is_found(held: tuple[Order, datetime]) -> None:
    """Planted: a no is right, and its reason is that of another rule."""

    def confused(order: Order, now: datetime) -> Answers:
        return {**allowed(order, now), fc.PickUnits: NothingThereError("PickUnits", "hold")}

    with pytest.raises(AssertionError, match="the same is said to all"):
        law_of_the_answer(*held, confused)
