"""
Every event of every released version is read for ever (ABUSE 63).

One file per stored name and version holds events as they were stored, and what they meant with all
their fields. Files are never changed. ``pytest tests/golden --store`` writes those of new events.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from ordercore.codec._leaves import Json
from ordercore.codec.converter import to_plain, write_json
from ordercore.codec.registry import event_codec
from ordercore.facts import Event
from tests.golden.values import values_of

FOLDER: Final = Path(__file__).parent / "events"
CODEC: Final = event_codec()
FILES: Final = sorted(FOLDER.glob("*.json"))
PRESENT: Final = [f"{name}.v{CODEC.upcasters.current(name)}" for name in sorted(CODEC.types)]
LARGEST: Final = 6_000

DRAW: Final = settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=40,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def samples_of(kind: type[Event]) -> list[Event]:
    """The smallest event of a type that was drawn, and the one with the most in it."""
    drawn: dict[str, Event] = {}

    @DRAW
    @given(values_of(kind))
    def draw(event: Event) -> None:
        drawn[write_json(to_plain(event))] = event

    draw()
    texts = sorted((text for text in drawn if len(text) <= LARGEST), key=len)
    return [drawn[texts[0]], drawn[texts[-1]]]


def stored_form(event: Event) -> dict[str, Any]:
    """An event as it is stored, and all its fields."""
    entry = json.loads(CODEC.encode([event]))[0]
    return {"stored": entry, "full": to_plain(event, full=True)}


def is_within(expected: Json, actual: Json) -> bool:
    """Whether *actual* says all that *expected* says; fields that came later may stand beside."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return all(key in actual and is_within(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        pairs = zip(expected, actual, strict=False)
        return len(expected) == len(actual) and all(is_within(one, two) for one, two in pairs)
    return type(expected) is type(actual) and expected == actual


@pytest.mark.parametrize("name", PRESENT)
def test_every_event_has_a_golden_file(name: str, request: pytest.FixtureRequest) -> None:
    """A new event, or a new version of one, brings its file."""
    path = FOLDER / f"{name}.json"
    if request.config.getoption("--store") and not path.exists():
        forms = [stored_form(event) for event in samples_of(CODEC.types[name.rpartition(".v")[0]])]
        path.write_text(json.dumps(forms, indent=1, sort_keys=True) + "\n", encoding="ascii")
    assert path.exists(), "write it with: pytest tests/golden --store"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_golden_event_is_read(path: Path) -> None:
    """It is known for ever, and means what it meant, defaults included."""
    name, _, version = path.stem.rpartition(".v")
    for form in json.loads(path.read_text(encoding="ascii")):
        entry = form["stored"]
        assert (name, int(version)) == (entry["type"], entry["version"])
        event = CODEC.event_of(entry)
        assert type(event) is CODEC.types[name]
        if int(version) == CODEC.upcasters.current(name):
            assert is_within(form["full"], to_plain(event, full=True))
            assert is_within(entry["data"], to_plain(event))


def test_a_changed_default_would_be_seen() -> None:
    """The comparison finds a value that is lost, changed or of another type."""
    assert is_within({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "new": 0}], "c": 1})
    wrong: list[Json] = [{}, {"a": [1, {}]}, {"a": [1]}, {"a": [True, {"b": 2}]}, {"a": None}]
    for changed in wrong:
        assert not is_within({"a": [1, {"b": 2}]}, changed)
