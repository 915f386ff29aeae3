"""
What a simulation remembers of the pure core: the same question has the same answer.

A life that is struck at its hundredth effect goes through the ninety-nine before it once more. The
outside is really touched each time; what the order is and owes was worked out already.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, ParamSpec, TypeVar, cast

from attrs import fields, has

from ordercore.order.model import Order

__all__ = ["Memory", "comparable"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

MOST_ANSWERS: Final = 30_000
"""How many are remembered before memory is given back."""


class Memory:
    """
    Asks each pure question once (`ordercore.service.turn.Ask`).

    Orders are told apart by identity: who was given the same one asks the same. They are kept as
    long as the answers about them, so that none can take the place of another. Everything else
    counts by value; what cannot is asked anew. A refusal is not remembered.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, tuple[object, object]] = {}

    def __call__(self, question: Callable[_P, _T], /, *about: _P.args, **further: _P.kwargs) -> _T:
        """The answer of old, or a new one."""
        key = question, *map(_token, about), *further.items()
        known = self._answers.get(key)
        if known is not None:
            return cast("_T", known[1])
        answer = question(*about, **further)
        if len(self._answers) >= MOST_ANSWERS:
            self._answers.clear()
        self._answers[key] = (about, further), answer
        return answer


def _token(value: object) -> Hashable:
    return id(value) if isinstance(value, Order) else comparable(value)


def comparable(value: object) -> Hashable:
    """A value; for one without a hash its kind and its fields, those without one by identity."""
    try:
        hash(value)
    except TypeError:
        kind = type(value)
        if not has(kind):
            return id(value)
        return (kind, *(_hashed(getattr(value, each.name)) for each in fields(kind)))
    return value


def _hashed(value: object) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
