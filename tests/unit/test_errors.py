from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from attrs import define

from ordercore.errors import (
    BrokenContractError,
    ConflictError,
    InvalidValueError,
    NotFoundError,
    OrderCoreError,
    RefusedError,
    UnavailableError,
)
from ordercore.money import LimitExceededError

FAMILIES: list[type[OrderCoreError]] = [
    InvalidValueError,
    RefusedError,
    NotFoundError,
    ConflictError,
    UnavailableError,
    BrokenContractError,
]


@define
class TooManyHTTPCallsError(UnavailableError):
    """An error with an abbreviation in its name."""

    sentence = "{name} was called {count} times; wait until {until}."
    name: str
    count: int
    until: str = "tomorrow"


@define
class QuietError(RefusedError):
    """An error without facts."""

    sentence = "Not now."


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_hangs_on_the_one_root(family: type[OrderCoreError]) -> None:
    """Whoever catches the root catches everything; no family is another's."""
    assert OrderCoreError in family.__mro__
    assert [family] == [other for other in FAMILIES if issubclass(family, other)]


@pytest.mark.parametrize(
    ("family", "builtin"), [(InvalidValueError, ValueError), (NotFoundError, LookupError)]
)
def test_two_families_are_builtin_errors_too(
    family: type[OrderCoreError], builtin: type[Exception]
) -> None:
    """Code that knows nothing of this library may catch wrong values and missing things."""
    assert issubclass(family, builtin)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OrderCoreError, "order-core"),
        (InvalidValueError, "invalid-value"),
        (LimitExceededError, "limit-exceeded"),
        (TooManyHTTPCallsError, "too-many-http-calls"),
        (QuietError, "quiet"),
    ],
)
def test_the_code_is_the_name_in_kebab_case(error: type[OrderCoreError], code: str) -> None:
    """Without its ending, abbreviations in one piece."""
    assert code == error.code


def test_an_error_knows_its_facts_and_says_them() -> None:
    """The facts are attributes, a mapping and parts of the sentence."""
    error = TooManyHTTPCallsError("look-up", 3)
    assert {"name": "look-up", "count": 3, "until": "tomorrow"} == error.facts
    assert "look-up was called 3 times; wait until tomorrow." == str(error)
    assert 3 == error.count


def test_an_error_without_facts_speaks_too() -> None:
    """The sentence alone; the root has one as well."""
    assert ("Not now.", {}) == (str(QuietError()), QuietError().facts)
    assert ("Something went wrong.", {}) == (str(OrderCoreError()), OrderCoreError().facts)


def test_signs_of_formatting_in_facts_are_plain_text() -> None:
    """Braces that somebody typed are shown, not obeyed."""
    assert "{count} was called 1 times; wait until {0.x}." == str(
        TooManyHTTPCallsError("{count}", 1, "{0.x}")
    )


@pytest.mark.parametrize("count", [10**4300, -(10**5000)], ids=["long", "longer"])
def test_a_number_too_long_to_print_does_not_break_the_message(count: int) -> None:
    """Python prints no int of more than 4,300 digits; the error speaks all the same."""
    error = TooManyHTTPCallsError("look-up", count)
    assert "look-up was called (int too long to print) times; wait until tomorrow." == str(error)
    assert count == error.facts["count"]


def pickled(error: TooManyHTTPCallsError) -> TooManyHTTPCallsError:
    """The error as another process receives it."""
    received: TooManyHTTPCallsError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return received


def copied(error: TooManyHTTPCallsError) -> TooManyHTTPCallsError:
    """A deep copy of the error."""
    return copy.deepcopy(error)


@pytest.mark.parametrize("again", [pickled, copied])
def test_errors_travel_between_processes(
    again: Callable[[TooManyHTTPCallsError], TooManyHTTPCallsError],
) -> None:
    """A worker pool can hand an error back with all its facts."""
    error = again(TooManyHTTPCallsError("look-up", 3))
    assert TooManyHTTPCallsError is type(error)
    assert {"name": "look-up", "count": 3, "until": "tomorrow"} == error.facts


def test_an_error_keeps_its_cause() -> None:
    """What an adapter met stays readable behind what it says."""
    cause = OSError("connection reset")
    with pytest.raises(UnavailableError) as caught:
        raise TooManyHTTPCallsError("look-up", 1) from cause
    assert cause is caught.value.__cause__
