from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Iterable

import attrs

from ordercore.errors import OrderCoreError
from tests.architecture.source import FAMILIES, errors, modules

Stored = Callable[[str, Iterable[str]], None]
Error = type[OrderCoreError]


def families_of(error: Error) -> list[str]:
    """The families that an error belongs to."""
    return [family.__name__ for family in FAMILIES if issubclass(error, family)]


def unknown_facts(error: Error) -> set[str]:
    """What the sentence speaks of but the error does not know."""
    spoken = {name for _, name, _, _ in string.Formatter().parse(error.sentence) if name}
    known = {field.name for field in attrs.fields(error)} if attrs.has(error) else set[str]()
    return {name.partition(".")[0].partition("[")[0] for name in spoken} - known


def test_each_error_has_one_family() -> None:
    """An error says what the caller should do next: one thing."""
    assert {} == {
        error.__qualname__: families
        for error in errors()
        if len(families := families_of(error)) != 1
    }


def test_each_error_states_its_facts() -> None:
    """An error is an attrs class with a sentence of its own that uses only facts it has."""
    for error in errors():
        assert "__attrs_attrs__" in vars(error), error
        assert error.sentence != OrderCoreError.sentence, error
        assert set() == unknown_facts(error), error


def test_each_error_is_named_as_one() -> None:
    """Names of errors end in Error."""
    assert [] == [error for error in errors() if not error.__name__.endswith("Error")]


def test_each_error_can_be_caught() -> None:
    """A host can import each error from a public module that exports it."""
    public = {
        getattr(module, name, None)
        for module in modules()
        if "._" not in module.__name__
        for name in getattr(module, "__all__", ())
        if name.endswith("Error")
    }
    assert [] == [error for error in errors() if error not in public]


def test_codes_are_unique() -> None:
    """No two errors share a code."""
    count = Counter(error.code for error in errors())
    assert {} == {code: times for code, times in count.items() if times > 1}


def test_codes_are_as_stored(same_as_stored: Stored) -> None:
    """A code is a promise to hosts: it joins, changes family or goes on purpose only."""
    same_as_stored(
        "error_codes.txt", (f"{error.code} {families_of(error)[0]}" for error in errors())
    )


def test_a_planted_error_without_family_is_found() -> None:
    """The checks see an error of no family whose sentence names an unknown fact."""

    @attrs.define
    class PlantedError(OrderCoreError):
        sentence = "Cannot do {this} to {that.name}."
        this: str

    assert [] == families_of(PlantedError)
    assert {"that"} == unknown_facts(PlantedError)
