"""
The lines of a machine's table: guards, steps, and what can be wrong with them.

Import from `ordercore.machine`, which is the door.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Final, Generic, TypeAlias, TypeVar

from attrs import define, frozen

from ordercore.errors import BrokenContractError, InvalidValueError, RefusedError

__all__ = [
    "AmbiguousStepError",
    "F",
    "Guard",
    "InvalidMachineError",
    "NotAllowedError",
    "S",
    "Step",
    "Table",
    "To",
    "Trigger",
    "UnknownStateError",
    "checked_guards",
    "markdown",
    "names_of",
    "not_connected",
    "not_exclusive",
    "not_named",
    "not_plain",
    "required",
    "steps_of",
    "word_of",
]

S = TypeVar("S", bound=StrEnum)
F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)

Trigger: TypeAlias = str | type[object]
"""What moves a machine: the type of a command or an event, or a word."""

_STATE: Final = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_WORD: Final = 60
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_ ,.'()/<>=+-]*")


@define
class InvalidMachineError(BrokenContractError):
    """A table of states or conditions that cannot be right."""

    sentence = "The table of {machine} is wrong: {problem}."
    machine: str
    problem: str


@define
class UnknownStateError(InvalidValueError):
    """The value is no state of the machine."""

    sentence = "This is no state of {machine}."
    machine: str


@define
class AmbiguousStepError(BrokenContractError):
    """Guards that were declared exclusive held together."""

    sentence = "{trigger} while {state} has two ways: guards declared exclusive hold together."
    state: str
    trigger: str


@define
class NotAllowedError(RefusedError):
    """The table has no such step, or a guard of it does not hold."""

    sentence = "{trigger} is not possible while {state}: {reason}."
    state: str
    trigger: str
    reason: str


@frozen
class Guard(Generic[F_contra]):
    """
    A named predicate over facts; the name is a statement that a person can read.

    Raises:
        InvalidMachineError: The name is empty or has signs that no drawing could show.
    """

    name: str
    holds: Callable[[F_contra], bool]

    def __attrs_post_init__(self) -> None:
        """Check the name."""
        if type(self.name) is not str or not _NAME.fullmatch(self.name):
            raise InvalidMachineError("guards", "a guard needs a plain name")


@frozen
class To(Generic[S, F]):
    """Where a trigger leads, when all these guards hold."""

    state: S
    when: tuple[Guard[F], ...] = ()


@frozen
class Step(Generic[S, F]):
    """One line of a machine's table."""

    source: S
    trigger: Trigger
    target: S
    when: tuple[Guard[F], ...]


Table: TypeAlias = Mapping[S, Mapping[Trigger, S | To[S, F] | Sequence[To[S, F]]]]


def steps_of(table: Table[S, F]) -> Iterable[Step[S, F]]:
    """
    The lines of a table.

    Raises:
        AttributeError, TypeError: It has another shape than `Table`.
    """
    for source, ways in table.items():
        for trigger, target in ways.items():
            if isinstance(target, StrEnum):
                yield Step(source, trigger, target, ())
            else:
                for to in (target,) if isinstance(target, To) else target:
                    yield Step(source, trigger, to.state, checked_guards(to.when))


def checked_guards(guards: Iterable[Guard[F]]) -> tuple[Guard[F], ...]:
    """
    The guards of one step.

    Raises:
        TypeError: One of them is no `Guard`.
    """
    checked = tuple(guards)
    if not all(type(guard) is Guard for guard in checked):
        raise TypeError
    return checked


def not_plain(
    states: type[S], initial: S, terminal: frozenset[S], steps: Sequence[Step[S, F]]
) -> str | None:
    """Why its states are not those of the enumeration, if so."""
    used = {initial, *terminal, *(s.source for s in steps), *(s.target for s in steps)}
    if not all(type(state) is states for state in used):
        return "it has a state that the enumeration does not have"
    odd = [state.name for state in states if not _STATE.fullmatch(state)]
    return f"{', '.join(odd)} should be a lower-case word" if odd else None


def not_named(steps: Sequence[Step[S, F]]) -> str | None:
    """Which name means two predicates, or none, if one does."""
    if not all(_is_plain(step.trigger) for step in steps):
        return "a trigger needs a plain name: letters, digits, blanks and underscores"
    known: dict[str, Guard[F]] = {}
    for guard in (guard for step in steps for guard in step.when):
        if known.setdefault(guard.name, guard) != guard:
            return f"two guards are called '{guard.name}'"
    return None


def asked_twice(rules: Sequence[Step[S, F]]) -> str | None:
    """Which rule of a first-match list asks what one before it asks, and never decides, if any."""
    asked: list[Guard[F]] = []
    for rule in rules:
        for guard in rule.when:
            if any(guard.holds == before.holds for before in asked):
                return f"{rule.target} can never be true by '{guard.name}': it was asked before"
            asked.append(guard)
    return None


def _is_plain(trigger: object) -> bool:
    if isinstance(trigger, str):
        return _NAME.fullmatch(trigger) is not None
    return isinstance(trigger, type)


def not_exclusive(steps: Sequence[Step[S, F]], groups: Sequence[frozenset[Guard[F]]]) -> str | None:
    """Which step can never be taken, or which two could both be, if any."""
    for step in steps:
        if any(len(group & set(step.when)) > 1 for group in groups):
            return f"{word_of(step.trigger)} while {step.source} needs guards that are exclusive"
    for one, other in combinations(steps, 2):
        if (one.source, one.trigger) != (other.source, other.trigger):
            continue
        pairs = [{a, b} for a in one.when for b in other.when if a != b]
        if not any(pair <= group for pair in pairs for group in groups):
            return (
                f"{word_of(one.trigger)} while {one.source} is ambiguous; declare guards exclusive"
            )
    return None


def not_connected(
    states: type[S], initial: S, terminal: frozenset[S], steps: Sequence[Step[S, F]]
) -> str | None:
    """Which states cannot be reached or left, if some cannot."""
    reached = _closure({initial}, [(step.source, step.target) for step in steps])
    if lost := [state for state in states if state not in reached]:
        return f"{', '.join(lost)} can never be reached"
    ends = _closure(terminal, [(step.target, step.source) for step in steps])
    if stuck := [state for state in states if state not in ends]:
        return f"{', '.join(stuck)} can never come to an end"
    return None


def _closure(start: Iterable[S], ways: Sequence[tuple[S, S]]) -> set[S]:
    """All states that can be reached from *start*."""
    found: set[S] = set()
    waiting = list(start)
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += [target for source, target in ways if source == state]
    return found


def required(steps: Sequence[Step[S, F]], facts: F) -> str:
    """What would have to hold for one of the steps."""
    missing = (names_of([guard for guard in step.when if not guard.holds(facts)]) for step in steps)
    return f"it needs that {', or '.join(missing)}"


def names_of(guards: Sequence[Guard[F]]) -> str:
    return " and ".join(guard.name for guard in guards)


def word_of(trigger: object) -> str:
    """A trigger as a word."""
    if isinstance(trigger, type):
        return trigger.__name__
    if isinstance(trigger, str) and _NAME.fullmatch(trigger[:_LONGEST_WORD]):
        return trigger[:_LONGEST_WORD]
    return f"A trigger of type {type(trigger).__name__}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
