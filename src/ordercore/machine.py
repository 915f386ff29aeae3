"""
State machines as tables, and statuses as first-match lists: checked, refined and drawn.

**Theory.** There are two ways to answer "in which state is it?", and this module has one shape for
each.

*A machine* is for a thing that is moved by what happens to it, such as a parcel. It is a table:
state → trigger → next state. A trigger is the type of a command or an event, or a word. Where the
next state depends on facts, the step carries *guards*: named predicates that must all hold. A
trigger may have several steps in one state only if their guards cannot hold together, and that is
said by putting the guards into one *exclusive* group.

*Conditions* are for a status that is derived, such as "paid": nothing moves it, it is read off
amounts and counts. They are a list of (status, guard) in which the first match wins, and a status
for the rest.

A machine is verified when it is built, so a wrong table cannot be imported:

1. every state can be reached from the initial one;
2. from every state a *terminal* one can be reached, that is one in which a thing may stay for good
   (delivered is terminal although a return may follow); a state without a way out is terminal;
3. no trigger is ambiguous: of two steps with one trigger, some guards are declared exclusive;
4. every guard has a name, and one name means one predicate.

What is declared exclusive is checked again whenever it decides. Conditions are verified too: each
status has a condition or is the rest, and no predicate is asked twice, so the function is total
and no rule is a dead letter.

A host may *refine* a machine: put several states inside one, add steps between them and demand
more guards; it can never add a way that the core does not have. So whatever holds of the core's
states holds of the host's.

>>> from enum import StrEnum
>>> class Door(StrEnum):
...     SHUT = "shut"
...     OPEN = "open"
>>> KEY = Guard("somebody has the key", lambda keys: keys > 0)
>>> door = StateMachine(Door, initial=Door.SHUT, terminal=[Door.SHUT], table={
...     Door.SHUT: {"open": To(Door.OPEN, (KEY,))},
...     Door.OPEN: {"shut": Door.SHUT},
... })
>>> door.next(Door.SHUT, "open", 1), door.allowed(Door.SHUT, 0)
(<Door.OPEN: 'open'>, ())
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Generic, TypeVar

from ordercore._steps import (
    AmbiguousStepError,
    F,
    Guard,
    InvalidMachineError,
    NotAllowedError,
    S,
    Step,
    Table,
    To,
    Trigger,
    UnknownStateError,
    asked_twice,
    checked_guards,
    markdown,
    names_of,
    not_connected,
    not_exclusive,
    not_named,
    not_plain,
    required,
    steps_of,
    word_of,
)

__all__ = [
    "AmbiguousStepError",
    "Conditions",
    "Guard",
    "InvalidMachineError",
    "NotAllowedError",
    "StateMachine",
    "Step",
    "To",
    "Trigger",
    "UnknownStateError",
]

R = TypeVar("R", bound=StrEnum)

_OTHER_SHAPE: Final = "it has another shape than the arguments ask for"


class StateMachine(Generic[S, F]):
    """
    A verified table of steps between the states of an enumeration.

    Args:
        states: The enumeration; its values are lower-case words.
        initial: Where everything begins.
        terminal: Where a thing may stay for good.
        table: State → trigger → next state, or a `To` with guards, or several of them.
        exclusive: Groups of guards of which at most one can hold.

    Raises:
        InvalidMachineError: The table breaks one of the four rules of this module.
    """

    __slots__ = ("_exclusive", "_initial", "_states", "_steps", "_terminal", "_ways")

    def __init__(
        self,
        states: type[S],
        *,
        initial: S,
        terminal: Iterable[S],
        table: Table[S, F],
        exclusive: Iterable[Iterable[Guard[F]]] = (),
    ) -> None:
        self._states = states
        self._initial = initial
        try:
            self._terminal = frozenset(terminal)
            self._exclusive = tuple(frozenset(checked_guards(group)) for group in exclusive)
            self._steps = tuple(steps_of(table))
        except (AttributeError, TypeError):
            raise InvalidMachineError(states.__name__, _OTHER_SHAPE) from None
        self._verify()
        ways: dict[S, dict[Trigger, list[Step[S, F]]]] = {state: {} for state in states}
        for step in self._steps:
            ways[step.source].setdefault(step.trigger, []).append(step)
        self._ways = ways

    @property
    def states(self) -> type[S]:
        """The enumeration of the states."""
        return self._states

    @property
    def initial(self) -> S:
        """Where everything begins."""
        return self._initial

    @property
    def terminal(self) -> frozenset[S]:
        """Where a thing may stay for good."""
        return self._terminal

    @property
    def steps(self) -> tuple[Step[S, F], ...]:
        """The lines of the table, in its order."""
        return self._steps

    def next(self, state: S, trigger: Trigger, facts: F) -> S:
        """
        The state after *trigger*.

        Raises:
            NotAllowedError: The table has no such step, or a guard does not hold.
            AmbiguousStepError: Guards that were declared exclusive hold together.
            UnknownStateError: The machine has no such state.
        """
        try:
            steps = self._ways[state][trigger]
        except (KeyError, TypeError):
            raise self._no_way(state, trigger) from None
        found = None
        for step in steps:
            for guard in step.when:
                if not guard.holds(facts):
                    break
            else:
                if found is not None:
                    raise AmbiguousStepError(state, word_of(trigger))
                found = step
        if found is None:
            raise NotAllowedError(state, word_of(trigger), required(steps, facts))
        return found.target

    def allowed(self, state: S, facts: F) -> tuple[Trigger, ...]:
        """The triggers that would lead somewhere now, in the order of the table."""
        return tuple(
            trigger
            for trigger, steps in self._ways_from(state).items()
            if any(all(guard.holds(facts) for guard in step.when) for step in steps)
        )

    def refusal(self, state: S, trigger: Trigger, facts: F) -> str | None:
        """Why *trigger* would be refused now, in words; None if it would not."""
        try:
            self.next(state, trigger, facts)
        except NotAllowedError as error:
            return str(error)
        return None

    def check(self, state: S, trigger: Trigger, facts: F, names: Mapping[Trigger, str]) -> None:
        """
        Refuse a trigger in the words of those who ask: *names* are the requests behind triggers.

        What no request leads to is not told as possible.

        Raises:
            NotAllowedError: As by `next`.
        """
        try:
            self.next(state, trigger, facts)
        except NotAllowedError as error:
            asked = names.get(trigger, word_of(trigger))
            reason = error.reason
            if trigger not in self._ways_from(state):
                possible = [names[one] for one in self.allowed(state, facts) if one in names]
                reason = _possible(possible)
            raise NotAllowedError(str(state), asked, reason) from None

    def refine(
        self,
        states: type[R],
        *,
        inside: Mapping[R, S],
        initial: R,
        terminal: Iterable[R],
        table: Table[R, F],
        exclusive: Iterable[Iterable[Guard[F]]] = (),
    ) -> StateMachine[R, F]:
        """
        A machine with finer states that can do nothing which this one cannot.

        Each fine state lies *inside* one of ours. A step between two of ours must stand in our
        table, with the same trigger and at least the same guards; a step within one of ours must
        have a trigger that we do not use there.

        Raises:
            InvalidMachineError: It adds a way, drops a guard, misuses a trigger, leaves out one
                of our states, or is no sound table by itself.
        """
        both = [*self._exclusive, *exclusive]
        finer = StateMachine(
            states, initial=initial, terminal=terminal, table=table, exclusive=both
        )
        problem = self._not_refined(finer, dict(inside))
        if problem is not None:
            raise InvalidMachineError(states.__name__, problem)
        return finer

    def to_mermaid(self) -> str:
        """The machine as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self._initial}"]
        for step in self._steps:
            when = " and ".join(guard.name for guard in step.when)
            label = f"{word_of(step.trigger)} [{when}]" if when else word_of(step.trigger)
            lines.append(f"    {step.source} --> {step.target} : {label}")
        lines += [f"    {state} --> [*]" for state in self._states if state in self._terminal]
        return "\n".join(lines) + "\n"

    def to_table(self) -> str:
        """The machine as a Markdown table."""
        rows = [
            (step.source, word_of(step.trigger), step.target, names_of(step.when))
            for step in self._steps
        ]
        return markdown(("State", "Trigger", "Next", "When"), rows)

    def _ways_from(self, state: S) -> Mapping[Trigger, Sequence[Step[S, F]]]:
        try:
            return self._ways[state]
        except (KeyError, TypeError):
            raise UnknownStateError(self._states.__name__) from None

    def _no_way(self, state: S, trigger: Trigger) -> NotAllowedError:
        reason = _possible([word_of(known) for known in self._ways_from(state)])
        return NotAllowedError(str(state), word_of(trigger), reason)

    def _verify(self) -> None:
        """Check the four rules."""
        problems = (
            not_plain(self._states, self._initial, self._terminal, self._steps),
            not_named(self._steps),
            not_exclusive(self._steps, self._exclusive),
            not_connected(self._states, self._initial, self._terminal, self._steps),
        )
        for problem in problems:
            if problem is not None:
                raise InvalidMachineError(self._states.__name__, problem)

    def _not_refined(self, finer: StateMachine[R, F], inside: Mapping[R, S]) -> str | None:
        if set(inside) != set(finer.states) or set(inside.values()) != set(self._states):
            return "each state must lie inside one of the core's, and each of those must be filled"
        if inside[finer.initial] is not self._initial:
            return "it must begin inside the state in which the core begins"
        if not {inside[state] for state in finer.terminal} <= self._terminal:
            return "it may end only inside states in which the core may end"
        return next(filter(None, (self._not_ours(step, inside) for step in finer.steps)), None)

    def _not_ours(self, step: Step[R, F], inside: Mapping[R, S]) -> str | None:
        """Why a finer step is no step of ours, if so."""
        source, target = inside[step.source], inside[step.target]
        ours = self._ways[source].get(step.trigger, [])
        way = f"{word_of(step.trigger)} from {step.source} to {step.target}"
        if source is target and not ours:
            return None
        if not any(our.target is target and set(our.when) <= set(step.when) for our in ours):
            return f"the core has no way for {way}, or demands more of it"
        return None


def _possible(words: Sequence[str]) -> str:
    return f"possible are {', '.join(words)}" if words else "nothing is possible there"


class Conditions(Generic[S, F]):
    """
    A status that is read off facts: the first condition that holds decides.

    Args:
        states: The enumeration of the statuses.
        rules: Pairs of a status and the guard that means it, in order; a status may come twice.
        otherwise: The status when no guard holds.

    Raises:
        InvalidMachineError: A status without a condition, a guard without a proper name, or a rule
            that asks what a rule before it asks.

    >>> from enum import StrEnum
    >>> class Glass(StrEnum):
    ...     FULL = "full"
    ...     EMPTY = "empty"
    ...     HALF_FULL = "half_full"
    >>> glass = Conditions(Glass, rules=[
    ...     (Glass.FULL, Guard("at least 100 ml", lambda ml: ml >= 100)),
    ...     (Glass.EMPTY, Guard("nothing in it", lambda ml: ml == 0)),
    ... ], otherwise=Glass.HALF_FULL)
    >>> glass.of(40), glass.why(0)
    (<Glass.HALF_FULL: 'half_full'>, 'nothing in it')
    """

    __slots__ = ("_otherwise", "_rules", "_states")

    def __init__(
        self, states: type[S], *, rules: Iterable[tuple[S, Guard[F]]], otherwise: S
    ) -> None:
        self._states = states
        self._otherwise = otherwise
        try:
            self._rules = tuple((status, checked_guards([guard])[0]) for status, guard in rules)
        except (TypeError, ValueError):
            raise InvalidMachineError(states.__name__, _OTHER_SHAPE) from None
        steps = [Step(otherwise, "is", status, (guard,)) for status, guard in self._rules]
        problem = not_plain(states, otherwise, frozenset(), steps) or not_named(steps)
        missing = [status for status in states if status not in self.statuses]
        if problem is None and missing:
            problem = f"{', '.join(missing)} can never be true"
        problem = problem or asked_twice(steps)
        if problem is not None:
            raise InvalidMachineError(states.__name__, problem)

    @property
    def states(self) -> type[S]:
        """The enumeration of the statuses."""
        return self._states

    @property
    def statuses(self) -> tuple[S, ...]:
        """The statuses in the order in which they are asked; the last is the rest."""
        return (*(status for status, _ in self._rules), self._otherwise)

    def of(self, facts: F) -> S:
        """The status of *facts*."""
        for status, guard in self._rules:
            if guard.holds(facts):
                return status
        return self._otherwise

    def why(self, facts: F) -> str:
        """The name of the condition that decides."""
        for _, guard in self._rules:
            if guard.holds(facts):
                return guard.name
        return "otherwise"

    def to_table(self) -> str:
        """The conditions as a Markdown table, in order."""
        rows = [(status, guard.name) for status, guard in self._rules]
        return markdown(("Status", "First match"), [*rows, (self._otherwise, "otherwise")])
