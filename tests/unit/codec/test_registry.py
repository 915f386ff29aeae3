"""The closed table of events, their versions and their upcasters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from attrs import frozen

from ordercore.codec.failures import DecodeError, UnknownEventTypeError
from ordercore.codec.registry import EventCodec, EventNameTakenError, stored_name
from ordercore.codec.upcasters import STEPS, VERSIONS, Data, MissingStepError, Upcasters
from ordercore.facts import Event

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)


@frozen(kw_only=True)
class Opened(Event):
    name: str
    units: int = 0


@frozen(kw_only=True)
class Closed(Event):
    reason: str = ""


@frozen(kw_only=True)
class Strange(Event):
    """An event that no table knows."""


def rename(data: Data) -> Data:
    return {**{key: value for key, value in data.items() if key != "title"}, "name": data["title"]}


def count(data: Data) -> Data:
    return {**data, "units": len(str(data["name"]))}


UPCASTERS: Final = Upcasters(
    {"Opened": 3, "Closed": 1}, {("Opened", 1): rename, ("Opened", 2): count}
)
CODEC: Final = EventCodec((Opened, Closed), UPCASTERS)
AT: Final = '"at":"2026-01-31T12:00:00.000000Z"'


def test_events_come_back_in_order() -> None:
    """Several events are one text, each with its name and version."""
    events = (Opened(at=NOON, name="x", units=2), Closed(at=NOON))
    text = CODEC.encode(events)
    assert events == CODEC.decode(text)
    assert (
        f'[{{"type":"Opened","version":3,"data":{{{AT},"name":"x","units":2}}}},'
        f'{{"type":"Closed","version":1,"data":{{{AT}}}}}]'
    ) == text


@pytest.mark.parametrize(
    ("version", "data", "expected"),
    [
        (1, '"title":"abc"', Opened(at=NOON, name="abc", units=3)),
        (2, '"name":"abcd"', Opened(at=NOON, name="abcd", units=4)),
        (3, '"name":"abcd"', Opened(at=NOON, name="abcd", units=0)),
    ],
)
def test_old_versions_are_brought_up(version: int, data: str, expected: Event) -> None:
    """Each step leads to the next version, and the present one is read as it stands."""
    text = f'[{{"type":"Opened","version":{version},"data":{{{AT},{data}}}}}]'
    assert (expected,) == CODEC.decode(text)


def test_a_step_that_fails_names_its_place() -> None:
    """A broken old event stops with its path; nothing is half read."""
    good = f'{{"type":"Closed","version":1,"data":{{{AT}}}}}'
    text = f'[{good},{{"type":"Opened","version":1,"data":{{}}}}]'
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(text, stream="o-1")
    assert (("$[1]", "cannot be brought up from version 1 (KeyError)"),) == caught.value.problems


@pytest.mark.parametrize(
    ("versions", "steps"),
    [
        ({"Opened": 3}, {("Opened", 1): rename}),
        ({"Opened": 3}, {("Opened", 2): rename}),
        ({"Opened": 2}, {("Opened", 1): rename, ("Opened", 2): count}),
        ({}, {("Opened", 1): rename}),
        ({"Opened": 0}, {}),
        ({"Opened": 2}, {("Opened", 1): rename, ("Opened", 0): rename}),
    ],
)
def test_a_missing_step_is_found_when_it_is_made(
    versions: dict[str, int], steps: dict[tuple[str, int], object]
) -> None:
    """Every version below the present one has a step, and no step leads nowhere."""
    with pytest.raises(MissingStepError):
        Upcasters(versions, steps)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "name", "version"),
    [
        ('{"type":"Exploded","version":1,"data":{"a":1}}', "Exploded", 1),
        ('{"type":"Opened","version":4,"data":{}}', "Opened", 4),
        (
            '{"type":"os.system","version":1,"data":{}}',
            "os.system",
            1,
        ),
    ],
)
def test_an_unknown_event_stops_with_nothing_lost(entry: str, name: str, version: int) -> None:
    """The error keeps the raw text, but does not print it (ABUSE 59, 62)."""
    with pytest.raises(UnknownEventTypeError) as caught:
        CODEC.decode(f"[{entry}]", stream="o-1")
    error = caught.value
    assert (name, version, entry, "o-1") == (error.name, error.version, error.raw, error.stream)
    assert "data" not in str(error)


@pytest.mark.parametrize(
    "entry",
    [
        '{"type":"Opened","version":true,"data":{}}',
        '{"type":"Opened","version":0,"data":{}}',
        '{"type":"Opened","version":"3","data":{}}',
        '{"type":"Opened","version":3}',
        '{"type":"Opened","version":3,"data":[]}',
        '{"type":"Opened","version":3,"data":{},"extra":1}',
        '{"type":["Opened"],"version":3,"data":{}}',
        "7",
        "null",
    ],
)
def test_an_entry_of_another_form_is_refused(entry: str) -> None:
    """Name, version and data, exactly; a class path or pickle has no place."""
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(f"[{entry}]")
    assert "$[0]" == caught.value.problems[0][0]


def test_a_wrong_field_is_named_within_the_list() -> None:
    """The path leads through the list and the data to the field."""
    text = f'[{{"type":"Opened","version":3,"data":{{{AT},"name":"x","units":true}}}}]'
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(text)
    assert "$[0].data.units" == caught.value.problems[0][0]


def test_text_that_is_no_list_is_refused() -> None:
    """A commit's events are a list."""
    with pytest.raises(DecodeError):
        CODEC.decode("{}")


def test_an_event_outside_the_table_is_not_written() -> None:
    """What could not be read again is not stored."""
    with pytest.raises(UnknownEventTypeError):
        CODEC.encode((Strange(at=NOON),))


def test_two_events_of_one_name_are_refused() -> None:
    """A stored name belongs to one type."""
    twin = frozen(kw_only=True)(type("Opened", (Event,), {}))
    with pytest.raises(EventNameTakenError):
        EventCodec((Opened, twin))


def test_the_stored_name_is_the_class_name() -> None:
    """Unless the table of names says otherwise."""
    assert "Opened" == stored_name(Opened)


def test_the_present_upcasters_are_complete() -> None:
    """Every version that was ever released can be read."""
    assert dict(VERSIONS) == Upcasters(VERSIONS, STEPS).versions
