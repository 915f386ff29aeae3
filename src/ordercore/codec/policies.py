"""
Which classes may stand behind ``$type`` where a field is declared by an abstract class.

The library's own values are found below the abstract class; a host adds its own with
`register_policy`. Nothing else is ever constructed: a name is looked up in a table, no path of a
module is read from stored text.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from attrs import define

from ordercore.codec._kinds import Choice, Open
from ordercore.errors import InvalidValueError

__all__ = [
    "InvalidPolicyError",
    "classes_of",
    "policies_under",
    "register_policy",
    "registrations",
]

_Class = TypeVar("_Class", bound=type)

_REGISTERED: Final[dict[str, type]] = {}


@define
class InvalidPolicyError(InvalidValueError):
    """The class cannot be stored as a policy."""

    sentence = "{name} cannot be registered: {problem}."
    name: str
    problem: str


def register_policy(policy: _Class) -> _Class:
    """
    Let values of a host's own class be stored where the library declares an abstract class.

    Use it as a decorator, before anything is read or written. The class's name is its stored
    name: never rename it.

    Args:
        policy: A frozen attrs class below one of the library's abstract classes.

    Raises:
        InvalidPolicyError: It is no concrete attrs class, or another one has its name.
    """
    name = policy.__name__
    if not _is_concrete(policy):
        raise InvalidPolicyError(name, "it must be an attrs class without abstract methods")
    if getattr(policy, "__hash__", None) is None:
        raise InvalidPolicyError(name, "it must be frozen")
    if any(other.__name__ == name and other is not policy for other in _rivals(policy)):
        raise InvalidPolicyError(name, "another class has this name")
    _REGISTERED[name] = policy
    return policy


def policies_under(base: type) -> Mapping[str, type]:
    """The concrete classes that may stand where *base* is declared, by their stored name."""
    return {
        found.__name__: found
        for found in _below(base)
        if _is_concrete(found) and (_is_own(found) or _REGISTERED.get(found.__name__) is found)
    }


def classes_of(union: Choice | Open) -> Mapping[str, type]:
    """The classes that ``$type`` may name in a union or where an abstract class is declared."""
    match union:
        case Open(type=base):
            return policies_under(base)
        case Choice(tagged=tagged, bases=bases):
            found = {member.__name__: member for member in tagged}
            for base in bases:
                found.update(policies_under(base))
            return found


def registrations() -> int:
    """How many classes were registered: what depends on them is made anew when this changes."""
    return len(_REGISTERED)


def _rivals(policy: type) -> Iterator[type]:
    yield from _REGISTERED.values()
    for base in policy.__mro__[1:]:
        if base is not object:
            yield from (found for found in _below(base) if _is_own(found) and _is_concrete(found))


def _below(base: type) -> Iterator[type]:
    found: type
    for found in type.__subclasses__(base):
        yield found
        yield from _below(found)


def _is_own(found: type) -> bool:
    return found.__module__.startswith("ordercore.")


def _is_concrete(found: type) -> bool:
    """
    Whether attrs made exactly this class.

    The class that attrs replaces by one with slots may live on among the subclasses for a while.
    """
    return "__attrs_attrs__" in vars(found) and not inspect.isabstract(found)
