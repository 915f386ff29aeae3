"""CloudEvents: what leaves through the outbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import frozen

from ordercore.codec.envelope import CloudEvent, cloud_events, event_of, read_cloud_event
from ordercore.codec.failures import DecodeError, UnknownEventTypeError
from ordercore.codec.registry import EventCodec
from ordercore.facts import Event
from ordercore.ids import Actor, CommitId, StreamId
from ordercore.ports.unit_of_work import Committed

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
STREAM: Final = StreamId("o-1")


@frozen(kw_only=True)
class Opened(Event):
    name: str


CODEC: Final = EventCodec((Opened,))
COMMITTED: Final = Committed(
    commit=CommitId("c-1"),
    key=None,
    fingerprint="",
    by=Actor("customer:42"),
    reason="",
    occurred_at=NOON,
    recorded_at=NOON + timedelta(seconds=1),
    events={STREAM: (Opened(at=NOON, name="a"), Opened(at=NOON, name="b"))},
    versions={STREAM: 9},
)


def envelopes() -> tuple[CloudEvent, ...]:
    return cloud_events(STREAM, COMMITTED, source="/shops/berlin", codec=CODEC)


def test_each_fact_has_an_envelope() -> None:
    """All required attributes of CloudEvents 1.0, and the version as the sequence (RULES X-3)."""
    first, second = envelopes()
    assert {
        "specversion": "1.0",
        "id": "c-1/o-1/8",
        "source": "/shops/berlin",
        "type": "ordercore.Opened.v1",
        "subject": "o-1",
        "time": "2026-01-31T12:00:00.000000Z",
        "recordedtime": "2026-01-31T12:00:01.000000Z",
        "sequence": "0000000008",
        "datacontenttype": "application/json",
        "data": {"at": "2026-01-31T12:00:00.000000Z", "name": "a"},
    } == json.loads(first.to_json())
    assert ("c-1/o-1/9", 9) == (second.id, second.version)


def test_an_envelope_tells_nobody_who_did_it() -> None:
    """The actor stays in the house (ABUSE 75)."""
    assert "customer" not in "".join(envelope.to_json() for envelope in envelopes())


def test_a_receiver_gets_the_fact_back() -> None:
    """Text, envelope and event are the same on both sides."""
    for envelope, event in zip(envelopes(), COMMITTED.events[STREAM], strict=True):
        received = read_cloud_event(envelope.to_json())
        assert envelope == received
        assert event == event_of(received, codec=CODEC)


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"sequence": "eight"},
        {"sequence": "٨"},
        {"time": "yesterday"},
        {"source": None},
        {"id": 7},
        {"extra": "x"},
    ],
)
def test_a_strange_envelope_is_refused(change: dict[str, object]) -> None:
    """No attribute is missing, extra or of another type."""
    plain = json.loads(envelopes()[0].to_json())
    with pytest.raises(DecodeError):
        read_cloud_event(json.dumps({**plain, **change}))


def test_a_missing_attribute_is_refused() -> None:
    """Every attribute is there."""
    plain = json.loads(envelopes()[0].to_json())
    del plain["subject"]
    with pytest.raises(DecodeError):
        read_cloud_event(json.dumps(plain))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("ordercore.Closed.v1", UnknownEventTypeError),
        ("ordercore.Opened.v2", UnknownEventTypeError),
        ("ordercore.Opened", DecodeError),
        ("ordercore.Opened.v0", DecodeError),
        ("com.example.Opened.v1", DecodeError),
        ("ordercore.Opened.vx", DecodeError),
    ],
)
def test_a_foreign_type_is_refused(kind: str, error: type[Exception]) -> None:
    """A type of somebody else, or of a newer version, is never guessed at."""
    plain = json.loads(envelopes()[0].to_json())
    with pytest.raises(error):
        event_of(read_cloud_event(json.dumps({**plain, "type": kind})), codec=CODEC)
