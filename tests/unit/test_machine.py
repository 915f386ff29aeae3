from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from attrs import frozen
from attrs.exceptions import FrozenInstanceError

from ordercore.errors import BrokenContractError, InvalidValueError, OrderCoreError, RefusedError
from ordercore.machine import (
    AmbiguousStepError,
    Conditions,
    Guard,
    InvalidMachineError,
    NotAllowedError,
    StateMachine,
    Step,
    To,
    Trigger,
    UnknownStateError,
)

Anything = Any  # what hosts may hand over by mistake, past every type checker


class Loan(StrEnum):
    """The states of a library book."""

    SHELVED = "shelved"
    RESERVED = "reserved"
    LENT = "lent"
    SCRAPPED = "scrapped"


class Book(StrEnum):
    """The finer states of one library's books."""

    IN_HALL = "in_hall"
    IN_CELLAR = "in_cellar"
    SET_ASIDE = "set_aside"
    AT_HOME = "at_home"
    PULPED = "pulped"


@frozen
class Return:
    """A trigger that is a type."""


@frozen
class Facts:
    """What the guards look at."""

    readers: int = 0
    damaged: bool = False
    staff: bool = False


WANTED = Guard[Facts]("somebody waits for it", lambda facts: facts.readers > 0)
FREE = Guard[Facts]("nobody waits for it", lambda facts: facts.readers == 0)
WHOLE = Guard[Facts]("it is not damaged", lambda facts: not facts.damaged)
STAFF = Guard[Facts]("a librarian does it", lambda facts: facts.staff)

BASE: dict[str, Any] = {
    "initial": Loan.SHELVED,
    "terminal": [Loan.SCRAPPED, Loan.SHELVED],
    "exclusive": [(WANTED, FREE)],
    "table": {
        Loan.SHELVED: {"lend": To(Loan.LENT, (FREE,)), "scrap": Loan.SCRAPPED},
        Loan.RESERVED: {"lend": Loan.LENT},
        Loan.LENT: {
            Return: (To(Loan.RESERVED, (WANTED, WHOLE)), To(Loan.SHELVED, (FREE, WHOLE))),
            "scrap": Loan.SCRAPPED,
        },
    },
}


def loan(**other: Anything) -> StateMachine[Loan, Facts]:
    """The library's machine, with some parts exchanged."""
    return StateMachine(Loan, **{**BASE, **other})


MACHINE = loan()


def refusal(call: Callable[[], object], kind: type[OrderCoreError]) -> OrderCoreError:
    """The refusal of a call."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value


# --- looking up ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "trigger", "facts", "expected"),
    [
        (Loan.SHELVED, "lend", Facts(), Loan.LENT),
        (Loan.SHELVED, "scrap", Facts(readers=1), Loan.SCRAPPED),
        (Loan.LENT, Return, Facts(), Loan.SHELVED),
        (Loan.LENT, Return, Facts(readers=2), Loan.RESERVED),
    ],
)
def test_a_trigger_leads_where_its_guards_hold(
    state: Loan, trigger: Anything, facts: Facts, expected: Loan
) -> None:
    """The next state is a function of state, trigger and facts."""
    assert expected is MACHINE.next(state, trigger, facts)
    assert trigger in MACHINE.allowed(state, facts)
    assert MACHINE.refusal(state, trigger, facts) is None


@pytest.mark.parametrize(
    ("state", "trigger", "facts", "sentence"),
    [
        (
            Loan.SHELVED,
            "lend",
            Facts(readers=1),
            "lend is not possible while shelved: it needs that nobody waits for it.",
        ),
        (
            Loan.LENT,
            Return,
            Facts(damaged=True),
            (
                "Return is not possible while lent: it needs that somebody waits for it and "
                "it is not damaged, or it is not damaged."
            ),
        ),
        (
            Loan.RESERVED,
            "scrap",
            Facts(),
            "scrap is not possible while reserved: possible are lend.",
        ),
        (
            Loan.SCRAPPED,
            "lend",
            Facts(),
            "lend is not possible while scrapped: nothing is possible there.",
        ),
    ],
)
def test_a_refusal_says_why(state: Loan, trigger: Anything, facts: Facts, sentence: str) -> None:
    """A person can read which guard is missing, or what would be possible instead."""
    error = refusal(lambda: MACHINE.next(state, trigger, facts), NotAllowedError)
    assert sentence == str(error) == MACHINE.refusal(state, trigger, facts)
    assert trigger not in MACHINE.allowed(state, facts)
    assert isinstance(error, RefusedError)


def test_what_is_allowed_comes_in_the_order_of_the_table() -> None:
    """Only triggers whose guards hold now."""
    assert ("lend", "scrap") == MACHINE.allowed(Loan.SHELVED, Facts())
    assert ("scrap",) == MACHINE.allowed(Loan.SHELVED, Facts(readers=1))
    assert () == MACHINE.allowed(Loan.SCRAPPED, Facts())


@pytest.mark.parametrize("word", ["take_back", "Take back", "T1", "half-way"])
def test_triggers_may_be_any_plain_words(word: str) -> None:
    """Underscores, blanks, capitals and hyphens."""
    table: Anything = {**BASE["table"], Loan.RESERVED: {word: Loan.LENT}}
    assert Loan.LENT is loan(table=table).next(Loan.RESERVED, word, Facts())


@pytest.mark.parametrize(
    "trigger", [None, 5, [], {}, "steal", "x" * 10**6, int], ids=lambda word: repr(word)[:20]
)
def test_unknown_triggers_are_refused(trigger: Anything) -> None:
    """Also what cannot be a key; the message stays short."""
    error = refusal(lambda: MACHINE.next(Loan.SHELVED, trigger, Facts()), NotAllowedError)
    assert len(str(error)) < 200


@pytest.mark.parametrize("state", [None, 5, [], "lost", Book.IN_HALL], ids=repr)
def test_unknown_states_are_refused(state: Anything) -> None:
    """A state is one of the machine's own."""
    refusal(lambda: MACHINE.next(state, "lend", Facts()), UnknownStateError)
    refusal(lambda: MACHINE.allowed(state, Facts()), UnknownStateError)
    assert issubclass(UnknownStateError, InvalidValueError)


def test_a_state_may_come_as_its_text() -> None:
    """A state read back from storage finds its row."""
    stored: Anything = "shelved"
    assert Loan.LENT is MACHINE.next(stored, "lend", Facts())


def test_a_machine_can_be_read() -> None:
    """States, beginning, ends and every line of the table, for documents and tests."""
    assert Loan is MACHINE.states
    assert Loan.SHELVED is MACHINE.initial
    assert {Loan.SHELVED, Loan.SCRAPPED} == MACHINE.terminal
    assert Step(Loan.SHELVED, "lend", Loan.LENT, (FREE,)) == MACHINE.steps[0]
    assert 6 == len(MACHINE.steps)


def test_a_machine_cannot_be_changed() -> None:
    """Neither its table nor its lines."""
    machine: Anything = MACHINE
    with pytest.raises(AttributeError):
        machine.initial = Loan.LENT
    with pytest.raises(FrozenInstanceError):
        machine.steps[0].target = Loan.SCRAPPED
    table = {
        Loan.SHELVED: {"lend": Loan.LENT},
        Loan.LENT: {"scrap": Loan.SCRAPPED},
        Loan.RESERVED: {"scrap": Loan.SCRAPPED},
    }
    table[Loan.SHELVED]["reserve"] = Loan.RESERVED
    built = loan(table=table)
    del table[Loan.SHELVED]["lend"]
    assert Loan.LENT is built.next(Loan.SHELVED, "lend", Facts())


# --- what is verified ----------------------------------------------------------------------------

TABLE = BASE["table"]
NO_GUARD: Anything = len
SAME_NAME = Guard[Facts]("nobody waits for it", lambda facts: facts.readers < 1)


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"table": {**TABLE, Loan.LENT: {"scrap": Loan.SCRAPPED}}},
        "reserved can never be reached",
    ),
    ({"terminal": []}, "shelved, reserved, lent, scrapped can never come to an end"),
    ({"terminal": [Loan.SHELVED]}, "scrapped can never come to an end"),
    ({"initial": Loan.SCRAPPED}, "shelved, reserved, lent can never be reached"),
    ({"exclusive": []}, "Return while lent is ambiguous"),
    ({"exclusive": [(WHOLE, STAFF)]}, "Return while lent is ambiguous"),
    ({"exclusive": [(WANTED, WHOLE)]}, "Return while lent needs guards that are exclusive"),
    (
        {"table": {**TABLE, Loan.RESERVED: {"lend": (To(Loan.LENT), To(Loan.SHELVED))}}},
        "lend while reserved is ambiguous",
    ),
    (
        {"table": {**TABLE, Loan.RESERVED: {"lend": To(Loan.LENT, (SAME_NAME,))}}},
        "two guards are called 'nobody waits for it'",
    ),
    ({"table": {**TABLE, Loan.RESERVED: {"": Loan.LENT}}}, "a trigger needs a plain name"),
    ({"table": {**TABLE, Loan.RESERVED: {"a|b": Loan.LENT}}}, "a trigger needs a plain name"),
    ({"table": {**TABLE, Loan.RESERVED: {5: Loan.LENT}}}, "a trigger needs a plain name"),
    ({"table": {**TABLE, Book.IN_HALL: {"lend": Loan.LENT}}}, "that the enumeration does not"),
    ({"table": {**TABLE, Loan.RESERVED: {"lend": "lent"}}}, "another shape"),
    ({"terminal": [Book.PULPED]}, "that the enumeration does not have"),
    ({"initial": "shelved"}, "that the enumeration does not have"),
    ({"table": None}, "another shape"),
    ({"table": {Loan.SHELVED: "lent"}}, "another shape"),
    ({"table": {**TABLE, Loan.RESERVED: {"lend": 5}}}, "another shape"),
    (
        {"table": {**TABLE, Loan.RESERVED: {"lend": To(Loan.LENT, (NO_GUARD,))}}},
        "another shape",
    ),
    ({"exclusive": [5]}, "another shape"),
    ({"terminal": None}, "another shape"),
]


@pytest.mark.parametrize(("other", "problem"), WRONG, ids=map(str, range(len(WRONG))))
def test_wrong_tables_cannot_be_built(other: dict[str, Anything], problem: str) -> None:
    """Each of the four rules of a machine, and tables that are none."""
    error = refusal(lambda: loan(**other), InvalidMachineError)
    assert problem in str(error)
    assert str(error).startswith("The table of Loan is wrong: ")
    assert isinstance(error, BrokenContractError)


def test_a_state_that_only_circles_is_found() -> None:
    """A way out that leads back for ever is a dead end too."""
    table = {
        **TABLE,
        Loan.SHELVED: {"lend": Loan.LENT, "scrap": Loan.SCRAPPED},
        Loan.LENT: {"back": Loan.RESERVED},
        Loan.RESERVED: {"lend": Loan.LENT},
    }
    error = refusal(lambda: loan(table=table), InvalidMachineError)
    assert "reserved, lent can never come to an end" in str(error)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a|b", "[paid]", "a: b", None, 5], ids=repr)
def test_guards_have_readable_names(name: Anything) -> None:
    """Empty names, and signs that would break a drawing, are refused."""
    refusal(lambda: Guard(name, bool), InvalidMachineError)


def test_states_are_lower_case_words() -> None:
    """A state's value is an id in drawings and in storage."""

    class Odd(StrEnum):
        IN_TRANSIT = "in-transit"

    odd: Anything = {"initial": Odd.IN_TRANSIT, "terminal": [Odd.IN_TRANSIT], "table": {}}
    machine: Anything = StateMachine
    error = refusal(lambda: machine(Odd, **odd), InvalidMachineError)
    assert "IN_TRANSIT should be a lower-case word" in str(error)


def test_guards_that_were_wrongly_declared_exclusive_are_found_out() -> None:
    """A declaration is a promise: if both guards hold, nothing is guessed."""
    machine = loan(
        exclusive=[(WANTED, WHOLE)],
        table={
            **TABLE,
            Loan.LENT: {Return: (To(Loan.RESERVED, (WANTED,)), To(Loan.SHELVED, (WHOLE,)))},
        },
    )
    assert Loan.RESERVED is machine.next(Loan.LENT, Return, Facts(readers=1, damaged=True))
    error = refusal(lambda: machine.next(Loan.LENT, Return, Facts(readers=1)), AmbiguousStepError)
    assert {"state": "lent", "trigger": "Return"} == error.facts


def test_a_refusal_can_speak_of_requests() -> None:
    """Who asks is told of what can be asked, not of the facts behind it."""
    names: dict[Trigger, str] = {Return: "give back", "scrap": "throw away"}
    MACHINE.check(Loan.LENT, Return, Facts(), names)
    with pytest.raises(NotAllowedError) as caught:
        MACHINE.check(Loan.SHELVED, Return, Facts(), names)
    wanted = "give back is not possible while shelved: possible are throw away."
    assert wanted == str(caught.value)
    with pytest.raises(NotAllowedError, match=r"give back .* it needs that somebody waits"):
        MACHINE.check(Loan.LENT, Return, Facts(damaged=True), names)
    with pytest.raises(NotAllowedError, match="nothing is possible there"):
        MACHINE.check(Loan.RESERVED, Return, Facts(), names)


# --- refining ------------------------------------------------------------------------------------

INSIDE = {
    Book.IN_HALL: Loan.SHELVED,
    Book.IN_CELLAR: Loan.SHELVED,
    Book.SET_ASIDE: Loan.RESERVED,
    Book.AT_HOME: Loan.LENT,
    Book.PULPED: Loan.SCRAPPED,
}
FINE: dict[str, Any] = {
    "inside": INSIDE,
    "initial": Book.IN_CELLAR,
    "terminal": [Book.PULPED, Book.IN_CELLAR],
    "table": {
        Book.IN_CELLAR: {"fetch": Book.IN_HALL, "scrap": To(Book.PULPED, (STAFF,))},
        Book.IN_HALL: {"lend": To(Book.AT_HOME, (FREE, STAFF)), "store": Book.IN_CELLAR},
        Book.SET_ASIDE: {"lend": Book.AT_HOME},
        Book.AT_HOME: {
            Return: (To(Book.SET_ASIDE, (WANTED, WHOLE)), To(Book.IN_HALL, (FREE, WHOLE)))
        },
    },
}


def fine(**other: Anything) -> StateMachine[Book, Facts]:
    """One library's refinement, with some parts exchanged."""
    return MACHINE.refine(Book, **{**FINE, **other})


def test_a_host_may_refine_a_machine() -> None:
    """Finer states, steps within one of ours, and more guards; ways may be left out."""
    books = fine()
    assert Book.IN_HALL is books.next(Book.IN_CELLAR, "fetch", Facts())
    assert ("store",) == books.allowed(Book.IN_HALL, Facts())
    assert ("lend", "store") == books.allowed(Book.IN_HALL, Facts(staff=True))
    assert "scrap" not in books.allowed(Book.AT_HOME, Facts(staff=True))


@pytest.mark.parametrize("readers", [0, 1])
@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("staff", [False, True])
def test_what_a_refined_machine_does_the_core_does_too(
    readers: int, damaged: bool, staff: bool
) -> None:
    """Every step of the host is a step of the core, or stays inside one of its states."""
    books, facts = fine(), Facts(readers, damaged, staff)
    for book in Book:
        for trigger in books.allowed(book, facts):
            source, target = INSIDE[book], INSIDE[books.next(book, trigger, facts)]
            inner = source is target and trigger not in {step.trigger for step in MACHINE.steps}
            assert inner or target is MACHINE.next(source, trigger, facts)


FINE_TABLE = FINE["table"]


WIDER: list[tuple[dict[str, Any], str]] = [
    (
        {
            "table": {
                **FINE_TABLE,
                Book.IN_HALL: {"lend": To(Book.AT_HOME, (STAFF,)), "store": Book.IN_CELLAR},
            }
        },
        "no way for lend from in_hall to at_home",
    ),
    (
        {"table": {**FINE_TABLE, Book.SET_ASIDE: {"lend": Book.AT_HOME, "sell": Book.PULPED}}},
        "no way for sell from set_aside to pulped",
    ),
    (
        {
            "table": {
                **FINE_TABLE,
                Book.IN_CELLAR: {"fetch": Book.IN_HALL, "scrap": Book.IN_CELLAR},
                Book.IN_HALL: {"lend": To(Book.AT_HOME, (FREE,)), "scrap": Book.PULPED},
            }
        },
        "no way for scrap from in_cellar to in_cellar",
    ),
    ({"inside": {**INSIDE, Book.PULPED: Loan.LENT}}, "each of those must be filled"),
    ({"inside": {Book.IN_HALL: Loan.SHELVED}}, "each state must lie inside one"),
    ({"inside": {}}, "each state must lie inside one"),
    (
        {"initial": Book.AT_HOME, "terminal": [*FINE["terminal"], Book.AT_HOME]},
        "begin inside the state in which the core begins",
    ),
    ({"terminal": [*FINE["terminal"], Book.SET_ASIDE]}, "only inside states in which the core"),
    ({"terminal": []}, "can never come to an end"),
]


@pytest.mark.parametrize(("other", "problem"), WIDER, ids=map(str, range(len(WIDER))))
def test_a_refinement_never_widens_the_core(other: dict[str, Anything], problem: str) -> None:
    """A new way, a dropped guard, a swallowed trigger, another beginning or end are refused."""
    error = refusal(lambda: fine(**other), InvalidMachineError)
    assert problem in str(error)
    assert "Book" in str(error)


# --- drawing -------------------------------------------------------------------------------------


def test_a_machine_draws_itself() -> None:
    """A Mermaid diagram with beginning, ends, triggers and guards."""
    assert MACHINE.to_mermaid() == (
        "stateDiagram-v2\n"
        "    [*] --> shelved\n"
        "    shelved --> lent : lend [nobody waits for it]\n"
        "    shelved --> scrapped : scrap\n"
        "    reserved --> lent : lend\n"
        "    lent --> reserved : Return [somebody waits for it and it is not damaged]\n"
        "    lent --> shelved : Return [nobody waits for it and it is not damaged]\n"
        "    lent --> scrapped : scrap\n"
        "    shelved --> [*]\n"
        "    scrapped --> [*]\n"
    )


def test_a_machine_is_a_table() -> None:
    """One line of Markdown per step."""
    lines = MACHINE.to_table().splitlines()
    assert ["| State | Trigger | Next | When |", "| --- | --- | --- | --- |"] == lines[:2]
    assert "| shelved | lend | lent | nobody waits for it |" == lines[2]
    assert 2 + len(MACHINE.steps) == len(lines)


# --- conditions ----------------------------------------------------------------------------------

RULES = [
    (Loan.SCRAPPED, Guard[Facts]("it is damaged", lambda facts: facts.damaged)),
    (Loan.LENT, STAFF),
    (Loan.RESERVED, WANTED),
]
OTHER_NAME = Guard[Facts]("it is broken", RULES[0][1].holds)
STATUS = Conditions(Loan, rules=RULES, otherwise=Loan.SHELVED)


@pytest.mark.parametrize(
    ("facts", "status", "why"),
    [
        (Facts(readers=1, damaged=True, staff=True), Loan.SCRAPPED, "it is damaged"),
        (Facts(readers=1, staff=True), Loan.LENT, "a librarian does it"),
        (Facts(readers=1), Loan.RESERVED, "somebody waits for it"),
        (Facts(), Loan.SHELVED, "otherwise"),
    ],
)
def test_the_first_condition_that_holds_decides(facts: Facts, status: Loan, why: str) -> None:
    """A status is read off the facts, and says by which condition."""
    assert status is STATUS.of(facts)
    assert why == STATUS.why(facts)


def test_conditions_are_a_table_in_order() -> None:
    """The order is part of the rule."""
    assert STATUS.to_table() == (
        "| Status | First match |\n"
        "| --- | --- |\n"
        "| scrapped | it is damaged |\n"
        "| lent | a librarian does it |\n"
        "| reserved | somebody waits for it |\n"
        "| shelved | otherwise |\n"
    )
    assert (Loan.SCRAPPED, Loan.LENT, Loan.RESERVED, Loan.SHELVED) == STATUS.statuses


@pytest.mark.parametrize(
    ("rules", "otherwise", "problem"),
    [
        (RULES[1:], Loan.SHELVED, "scrapped can never be true"),
        (RULES, Loan.LENT, "shelved can never be true"),
        (
            [*RULES, (Loan.LENT, SAME_NAME), (Loan.LENT, FREE)],
            Loan.SHELVED,
            "two guards are called",
        ),
        ([*RULES, (Book.IN_HALL, FREE)], Loan.SHELVED, "that the enumeration does not have"),
        (RULES, "shelved", "that the enumeration does not have"),
        ([*RULES, (Loan.SCRAPPED, RULES[1][1])], Loan.SHELVED, "it was asked before"),
        ([*RULES, (Loan.LENT, OTHER_NAME)], Loan.SHELVED, "by 'it is broken': it was asked before"),
        ([*RULES, Loan.LENT], Loan.SHELVED, "another shape"),
        ([*RULES, (Loan.LENT, NO_GUARD)], Loan.SHELVED, "another shape"),
        (None, Loan.SHELVED, "another shape"),
    ],
)
def test_wrong_conditions_cannot_be_built(
    rules: Anything, otherwise: Anything, problem: str
) -> None:
    """A status or rule that can never be, a name for two predicates, and lists that are none."""
    error = refusal(lambda: Conditions(Loan, rules=rules, otherwise=otherwise), InvalidMachineError)
    assert problem in str(error)
