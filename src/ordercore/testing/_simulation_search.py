"""
Searching for lives that go wrong: every schedule, or random ones; equal states are lived once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import timedelta
from random import Random
from typing import Final

from attrs import evolve

from ordercore.errors import NotFoundError, OrderCoreError, RefusedError
from ordercore.order.quote import StaleQuoteError
from ordercore.order.rules import is_ended
from ordercore.service.effects import Effect
from ordercore.testing._simulation_checks import amounts, at_any_time, at_rest, replayed
from ordercore.testing._simulation_faults import (
    LATE,
    Fault,
    Schedule,
    boundary_of,
    faults_at,
    is_read,
    name_of,
)
from ordercore.testing._simulation_finding import Finding, Tally
from ordercore.testing._simulation_memory import Memory
from ordercore.testing._simulation_position import Acted, Harm, Position
from ordercore.testing._simulation_store import Histories, Saved
from ordercore.testing._simulation_world import STREAM, Flow, Setting, World

__all__ = ["Explorer"]

PATIENCE: Final = timedelta(hours=30)
"""How far ahead the life of a step goes on: what is due later waits for the next step."""
BETWEEN_STEPS: Final = timedelta(minutes=2)
MOST_TURNS: Final = 60
MOST_STRIKES: Final = 3
MOST_GAP: Final = 40
MOST_KEPT: Final = 3_000
"""How many calls are remembered before memory is given back."""


class Explorer:
    """
    Lives one flow in one setting, call by call, and remembers every call.

    A search that is not ``is_exact`` goes on from one of several states of one likeness.
    """

    def __init__(
        self,
        flow: Flow,
        setting: Setting,
        tally: Tally | None = None,
        *,
        is_exact: bool = False,
    ) -> None:
        self.flow, self.setting, self.is_exact = flow, setting, is_exact
        self.tally = tally or Tally()
        self._open()

    def _open(self) -> None:
        terms = self.flow.terms(self.setting.terms)
        memory = Memory()
        setting = evolve(self.setting, engine=evolve(self.setting.engine, ask=memory))
        self.world = World(
            setting=setting, terms=terms, histories=Histories(memory), others=self.flow.others
        )
        self.start = self.world.save()
        self._known: dict[Hashable, Acted] = {}
        self._came_from = self.start.number
        self._checked: dict[int, tuple[str, ...]] = {}
        self._seen: dict[Hashable, int] = {}
        self._ended_well: set[Hashable] = set()

    # --- one call -------------------------------------------------------------------------------

    def act(
        self, saved: Saved, position: Position, strikes: Schedule, *, keep: bool = True
    ) -> Acted:
        """
        The next call from a state, with faults at its own effects; known ones are not made.

        Only what will be asked for again is worth its memory: else do not *keep* it.
        """
        key = saved.number, position.fingerprint, strikes
        known = self._known.get(key)
        if known is None:
            known = self._acted(saved, position, strikes)
            if keep:
                self._known[key] = known
        effects = position.effects + len(known.trace)
        if known.position.effects == effects:
            return known
        return evolve(known, position=evolve(known.position, effects=effects))

    def _acted(self, saved: Saved, position: Position, strikes: Schedule) -> Acted:
        world = self.world
        world.restore(saved)
        world.strikes, world.trace, world.surprises, world.hits = strikes, [], [], []
        is_late = position.is_late or any(fault in LATE for _, fault in strikes.strikes)
        position = evolve(position, is_late=is_late)
        self.tally.calls += 1
        self._came_from = saved.number
        try:
            after, problems = self._rest(position) if position.resting else self._ask(position)
        except OrderCoreError as error:
            after, problems = evolve(position, is_over=True), (f"{error.code}: {error}",)
        after = evolve(after, effects=position.effects + len(world.trace))
        self.tally.hits.update(world.hits)
        found = (*world.surprises, *problems)
        state = world.save()
        if state.number not in self._checked:
            self._checked[state.number] = tuple(at_any_time(world))
        return Acted(
            saved=state,
            position=after,
            trace=tuple(world.trace),
            problems=(*found, *self._checked[state.number]),
        )

    def _ask(self, position: Position) -> tuple[Position, tuple[str, ...]]:
        world, command = self.world, position.command
        after = evolve(position, resting=True, tries=position.tries + 1, turns=0)
        try:
            if command is None:
                command = self.flow.steps[position.step](world)
                after = evolve(after, command=command, origin=self._came_from)
            key, about = f"step-{position.step}", self.flow.order_of(position.step)
            served = command is None or world.ask(command, key, about)
        except OrderCoreError as error:
            return self._refused(after, error)
        return evolve(after, is_served=served), ()

    def _refused(self, after: Position, error: OrderCoreError) -> tuple[Position, tuple[str, ...]]:
        """
        Whether a refusal is an honest answer: to what was read, or as too much time has passed.

        Whoever was refused after a stale read asks for the same once more, under its key; who holds
        an old quote looks and asks anew, and so does who was in a hurry, whatever became of earlier
        tries. What is an honest answer to the
        first try is one to the second, which came in between.
        """
        world, hurries = self.world, self.setting.hurries
        told = f"{error.code}: {error}"
        if not isinstance(error, RefusedError | NotFoundError | StaleQuoteError):
            return evolve(after, is_over=True), (told,)
        stale = Fault.STALE_READ in dict(world.strikes.strikes).values()
        is_over = after.is_late and any(map(is_ended, world.orders()))
        if hurries or is_over:
            world.surprises = [one for one in world.surprises if one != f"in between: {told}"]
        if isinstance(error, StaleQuoteError) or (hurries and not after.was_refused):
            return evolve(after, command=None, was_refused=True), ()
        if stale:
            return evolve(after, was_refused=True), ()
        if hurries or is_over:
            return evolve(after, is_served=True), ()
        return evolve(after, is_over=True), (told,)

    def _rest(self, position: Position) -> tuple[Position, tuple[str, ...]]:
        """Webhooks arrive and the worker works; then time goes on to what is due next."""
        world = self.world
        again = evolve(position, turns=position.turns + 1)
        if position.turns > MOST_TURNS:
            return evolve(position, is_over=True), ("it does not come to rest",)
        if not (world.hear() and world.work()):
            world.now += self.setting.engine.settings.lease
            return again, ()
        if world.store.history_of(STREAM) and world.resolve():
            return again, ()
        if self.setting.hurries and position.is_served and position.step + 1 < len(self.flow.steps):
            return self._next(position), ()
        due_at = world.store.next_due()
        if due_at is not None and due_at <= world.now + PATIENCE:
            world.now = max(world.now, due_at) + self.setting.lateness
            return again, ()
        late = [at - world.offset for at, _ in world.gateway.save().late]
        if late:
            world.now = max(world.now, *late)
            return again, ()
        return self._rested(position)

    def _rested(self, position: Position) -> tuple[Position, tuple[str, ...]]:
        """All is at rest: go on to the next step, or ask for the same once more."""
        problems = (*at_rest(self.world), *replayed(self.world))
        self.world.now += BETWEEN_STEPS
        if not position.is_served:
            if position.tries > len(LATE) + 2:
                return evolve(position, is_over=True), (*problems, "a step was never served")
            return evolve(position, resting=False), problems
        if position.step + 1 == len(self.flow.steps):
            found = amounts(self.world, self.flow, is_late=position.is_late)
            return evolve(position, is_over=True), (*problems, *found)
        return self._next(position), problems

    def _next(self, position: Position) -> Position:
        return Position(step=position.step + 1, is_late=position.is_late, effects=position.effects)

    # --- whole lives ----------------------------------------------------------------------------

    def live(self, schedule: Schedule) -> tuple[tuple[Effect[object], ...], tuple[str, ...]]:
        """One life with one schedule; its effects, and what is wrong with it."""
        saved, position = self.start, Position()
        trace: list[Effect[object]] = []
        while True:
            strikes = schedule.between(position.effects, 1 << 60)
            done = self.act(saved, position, strikes)
            reached = position.effects + len(done.trace)
            strikes = schedule.between(position.effects, reached)
            done = self.act(saved, position, strikes)
            trace.extend(done.trace)
            if done.problems or done.position.is_over:
                return tuple(trace), done.problems
            saved, position = done.saved, done.position

    def wander(self, chance: Random) -> Harm | None:
        """
        One life with one to three faults at random places; where they struck, if it went wrong.

        After the last of them it ends where an earlier one went on from an equal state. If it was
        over before the first one, the first is drawn again, from as many effects as there were.
        """
        self.tally.lives += 1
        left, first = chance.randint(1, MOST_STRIKES), chance.randrange(MOST_GAP)
        reached, harm = self._wandered(chance, left, first)
        if reached is not None:
            _, harm = self._wandered(chance, left, chance.randrange(reached))
        return harm

    def _wandered(self, chance: Random, left: int, target: int) -> tuple[int | None, Harm | None]:
        """One of these lives; how many effects it had where none was struck."""
        saved, position, schedule = self.start, Position(), Schedule()
        calm: list[Hashable] = []
        while True:
            strikes = Schedule()
            done = self.act(saved, position, strikes)
            while left and target - position.effects < len(done.trace):
                effect = done.trace[target - position.effects]
                fault = chance.choice(faults_at(effect))
                strikes = strikes.then(target - position.effects, fault)
                self.tally.struck[boundary_of(effect), fault] += 1
                done = self.act(saved, position, strikes)
                left, target = left - 1, target + 1 + chance.randrange(MOST_GAP)
            schedule = _joined(schedule, strikes, position.effects)
            saved, position = done.saved, done.position
            if done.problems:
                return None, Harm(schedule, done.problems)
            if not left:
                calm.append((saved.number, position.fingerprint))
            is_known = not left and calm[-1] in self._ended_well
            self.tally.merged += is_known
            if is_known or position.is_over:
                self._ended_well.update(calm)
                return (None if schedule.strikes else position.effects), None

    def relive(self, schedule: Schedule) -> Finding | None:
        """The same from the very start, with nothing remembered."""
        self.tally.lives += 1
        found = self._judged(schedule, self.tally)
        return found if found.problems else None

    def confirm(self, harm: Harm) -> Finding:
        """The same for a life that went wrong; where it does not again, what was seen at first."""
        found = self._judged(harm.schedule, Tally())
        return found if found.problems else evolve(found, problems=harm.problems, repeats=False)

    def _judged(self, schedule: Schedule, tally: Tally) -> Finding:
        trace, problems = Explorer(self.flow, self.setting, tally).live(schedule)
        return Finding(
            flow=self.flow.name,
            setting=self.setting,
            schedule=schedule,
            effects=tuple(map(name_of, trace)),
            problems=problems,
        )

    def search(self, depth: int) -> Iterator[Harm]:
        """
        Every schedule of up to *depth* faults that goes wrong; none of them is struck again.

        Where the calm life goes wrong, no fault is to blame, and none is looked for.
        """
        self.tally.lives += 1
        calm = tuple(self._search(self.start, Position(), Schedule(), 0))
        yield from calm
        if depth and not calm:
            yield from self._search(self.start, Position(), Schedule(), depth)

    def _search(
        self, saved: Saved, position: Position, schedule: Schedule, depth: int
    ) -> Iterator[Harm]:
        while True:
            key = self._likeness(saved, position)
            if self._seen.get(key, -1) >= depth:
                self.tally.merged += 1
                return
            self._seen[key] = depth
            calm = self.act(saved, position, Schedule(), keep=depth > 0)
            if calm.problems:
                yield Harm(schedule, calm.problems)
                return
            if depth:
                yield from self._struck(saved, position, schedule, depth)
            if calm.position.is_over:
                return
            saved, position = calm.saved, calm.position

    def _struck(
        self, saved: Saved, position: Position, schedule: Schedule, depth: int
    ) -> Iterator[Harm]:
        """
        All lives that are struck during the next call, and from there on.

        To die after a read is to die before it, which is lived already.
        """
        waiting = [(Schedule(), 0, depth)]
        while waiting:
            strikes, start, left = waiting.pop()
            trace = self.act(saved, position, strikes).trace
            for index in range(start, len(trace)):
                for fault in faults_at(trace[index]):
                    self._count(trace[index], fault)
                    if fault is Fault.CRASH_BEFORE and index > start and is_read(trace[index - 1]):
                        self.tally.merged += 1
                        self.tally.hits[boundary_of(trace[index]), fault] += 1
                        continue
                    more = strikes.then(index, fault)
                    done = self.act(saved, position, more, keep=left > 1)
                    whole = _joined(schedule, more, position.effects)
                    if done.problems:
                        yield Harm(whole, done.problems)
                        continue
                    if left > 1:
                        waiting.append((more, index + 1, left - 1))
                    if not done.position.is_over:
                        yield from self._search(done.saved, done.position, whole, left - 1)

    def _likeness(self, saved: Saved, position: Position) -> Hashable:
        """The same for states from which life goes on alike."""
        return saved.number if self.is_exact else saved.likeness, position.fingerprint

    def _count(self, effect: Effect[object], fault: Fault) -> None:
        self.tally.lives += 1
        self.tally.struck[boundary_of(effect), fault] += 1

    def forget(self) -> None:
        """Give memory back, once there is much of it."""
        if len(self._known) > MOST_KEPT:
            self._open()


def _joined(schedule: Schedule, strikes: Schedule, start: int) -> Schedule:
    return Schedule(
        schedule.strikes + tuple((index + start, fault) for index, fault in strikes.strikes)
    )
