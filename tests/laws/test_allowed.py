"""
The law of `allowed`: its *no* is what every request of the kind meets, its *yes* was no guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from hypothesis import HealthCheck, given, settings

from ordercore.errors import ConflictError, InvalidValueError, NotFoundError, RefusedError
from ordercore.facts import Request
from ordercore.order.decide import decide
from ordercore.order.guards import REQUESTS, refusal
from ordercore.order.model import Order
from ordercore.order.possible import NothingThereError, allowed
from tests.laws.test_order import Step, World, stories
from tests.unit.order.asked import every_request

Answers = Mapping[type[Request], RefusedError | None]


def what_becomes(order: Order, request: Request, now: datetime) -> Exception | bool:
    """The refusal; or whether it adds a fact."""
    try:
        return bool(decide(order, request, now))
    except (RefusedError, NotFoundError, ConflictError, InvalidValueError) as error:
        return error


def law_of_the_answer(
    order: Order, now: datetime, answer: Callable[[Order, datetime], Answers] = allowed
) -> None:
    """A kind is refused exactly when all its requests are, and for the reason that is given."""
    table = answer(order, now)
    assert {*REQUESTS} == {*table}
    passed: set[type[Request]] = set()
    reasons: dict[type[Request], set[str]] = {}
    for request in every_request(order, now):
        became = what_becomes(order, request, now)
        kind = type(request)
        if became is True:
            passed.add(kind)
        elif became is not False:
            reasons.setdefault(kind, set()).add(str(became))
    assert {kind for kind, why in table.items() if why is None} == passed
    for kind, why in table.items():
        if why is not None and refusal(order, kind) is not None:
            assert reasons.get(kind, set()) <= {str(why)}, "the same is said to all"
        elif why is not None and not isinstance(why, NothingThereError):
            assert str(why) in reasons[kind], "it is what somebody is told"


def law_of_allowed(story: list[Step]) -> None:
    """The law, for every order at the end of a story."""
    world = World()
    for _ in world.play(story):
        pass
    for name in world.shop.orders:
        law_of_the_answer(world.shop.load(name), world.shop.clock())


@given(story=stories)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_allowed_says_what_decide_does(story: list[Step]) -> None:
    """O-2: *no* means that every request is refused so, *yes* that one of them is accepted."""
    law_of_allowed(story)
