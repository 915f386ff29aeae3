"""
Errors, sorted by what the caller does next.

One root, six families. A concrete error lives in the room that raises it, is an attrs class
whose fields are the facts, and says in ``sentence`` what is wrong and what to do about it::

    @define
    class CurrencyMismatchError(InvalidValueError):
        sentence = "Cannot combine {left} with {right}; convert one of them first."
        left: str
        right: str

The stable ``code`` is the class name in kebab case without its ending: ``currency-mismatch``.
"""

from __future__ import annotations

import re
from typing import ClassVar

import attrs

__all__ = [
    "BrokenContractError",
    "ConflictError",
    "InvalidValueError",
    "NotFoundError",
    "OrderCoreError",
    "RefusedError",
    "UnavailableError",
]


class OrderCoreError(Exception):
    """The root of every error that this library raises."""

    code: ClassVar[str] = "order-core"
    sentence: ClassVar[str] = "Something went wrong."

    def __init_subclass__(cls) -> None:
        """Give each error its code, made from its name."""
        super().__init_subclass__()
        words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", cls.__name__.removesuffix("Error"))
        cls.code = "-".join(words).lower()

    @property
    def facts(self) -> dict[str, object]:
        """What the error knows, by name."""
        fields: tuple[attrs.Attribute[object], ...] = getattr(self, "__attrs_attrs__", ())
        return {field.name: getattr(self, field.name) for field in fields}

    def __str__(self) -> str:
        return self.sentence.format(**{name: _shown(fact) for name, fact in self.facts.items()})


def _shown(fact: object) -> object:
    """The fact, unless Python refuses to print it: a number of more than 4,300 digits."""
    try:
        str(fact)
    except ValueError:
        return f"({type(fact).__name__} too long to print)"
    return fact


class InvalidValueError(OrderCoreError, ValueError):
    """The input is wrong: fix it and call again."""


class RefusedError(OrderCoreError):
    """The input is well formed, but a rule forbids it: tell the user why."""


class NotFoundError(OrderCoreError, LookupError):
    """There is no such thing: check the id."""


class ConflictError(OrderCoreError):
    """Somebody else was first: reload and try again."""


class UnavailableError(OrderCoreError):
    """The outside did not answer: retry later with the same key."""


class BrokenContractError(OrderCoreError):
    """A promise was broken (by an adapter, a gateway or stored data): page a person."""
