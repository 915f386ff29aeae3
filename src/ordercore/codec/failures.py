"""
What can be wrong with stored text, and where: errors with a JSON path for each problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, cast

from attrs import define, field
from cattrs import (
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.errors import AttributeValidationNote

from ordercore.codec._leaves import Unfit
from ordercore.errors import BrokenContractError, InvalidValueError, OrderCoreError

__all__ = [
    "DecodeError",
    "PlaceNote",
    "UnknownEventTypeError",
    "UnstorableTypeError",
    "UnstorableValueError",
    "in_parts",
    "problems_of",
    "without_values",
]

MOST_PROBLEMS: Final = 50


@define
class DecodeError(BrokenContractError):
    """Stored text does not say what it should; each problem has its JSON path."""

    sentence = "{stream} cannot be read: {problems}."
    problems: tuple[tuple[str, str], ...]
    stream: str | None = None

    def __str__(self) -> str:
        shown = "; ".join(f"{path} {problem}" for path, problem in self.problems)
        return self.sentence.format(stream=self.stream or "The text", problems=shown)


@define
class UnknownEventTypeError(BrokenContractError):
    """An event that this version does not know; nothing of it is lost."""

    sentence = "No event {name} of version {version} is known here; was it written by a newer one?"
    name: str
    version: int
    raw: str = field(repr=False)
    stream: str | None = None


@define
class UnstorableValueError(InvalidValueError):
    """A value that does not fit the declared type of its field; ``path`` leads to the field."""

    sentence = "{path} {problem}."
    path: str
    problem: str


@define
class UnstorableTypeError(InvalidValueError):
    """A declared type has no stored form: a float, ``Any``, a class without attrs."""

    sentence = "A field of type {kind} cannot be stored; use exact values and attrs classes."
    kind: str


class PlaceNote(str):
    """A note on an error: the step of the path where it was met."""

    __slots__ = ()

    @classmethod
    def of(cls, index: int | str) -> PlaceNote:
        """The step into a list, or to a key."""
        return cls(f"[{index}]" if isinstance(index, int) else f".{_shown(index)}")


def in_parts(errors: list[Exception]) -> Exception:
    """One error for the wrong parts of a collection; each carries its `PlaceNote`."""
    group = cast("Callable[[str, list[Exception], type], Exception]", IterableValidationError)
    return group("in a collection", errors, list)


def problems_of(error: Exception, path: str = "$") -> tuple[tuple[str, str], ...]:
    """Every problem behind *error*, each with the JSON path where it was met."""
    found: list[tuple[str, str]] = []
    for problem in _walk(error, path):
        found.append(problem)
        if len(found) == MOST_PROBLEMS:
            break
    return tuple(found)


def _walk(error: Exception, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _walk(inner, path + _step(inner))
    elif isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield f"{path}.{_shown(name)}", "is not known here"
    else:
        yield path, without_values(error)


def _step(error: Exception) -> str:
    """The innermost step that is still unread: cattrs leaves its notes on the errors."""
    notes = getattr(error, "__notes__", [])
    for note in notes:
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, PlaceNote):
            return str(note)
    return ""


def _shown(name: str) -> str:
    """A key as it may stand in a message: short, and without control characters."""
    clean = ascii(name)[1:-1]
    return clean if len(clean) <= 60 else clean[:60] + "..."


def without_values(error: Exception) -> str:
    """What is wrong, in words that name no stored value."""
    match error:
        case Unfit():
            return str(error)
        case KeyError():
            return "is missing"
        case OrderCoreError():
            return f"is refused ({error.code})"
        case _:
            return f"is refused ({type(error).__name__})"
