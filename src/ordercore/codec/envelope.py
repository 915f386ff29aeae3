"""
CloudEvents 1.0: what leaves the house through the outbox.

One envelope per fact. ``id`` is the same however often it is sent, ``subject`` is the stream and
``sequence`` the version in it, so that a receiver can drop repeats and keep the order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from attrs import field, frozen

from ordercore.codec._leaves import Json
from ordercore.codec.converter import from_plain, read_json, to_plain, write_json
from ordercore.codec.failures import DecodeError
from ordercore.codec.registry import EventCodec, event_codec
from ordercore.facts import Event
from ordercore.ids import StreamId
from ordercore.ports.unit_of_work import Committed

__all__ = ["CloudEvent", "cloud_events", "event_of", "read_cloud_event"]

SPECVERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
PREFIX: Final = "ordercore."
_PLACES: Final = 10


@frozen(kw_only=True)
class CloudEvent:
    """
    One fact in an envelope.

    ``type`` is ``ordercore.<stored name>.v<version>``; ``time`` is when it happened and
    ``recordedtime`` when it was recorded. ``sequence`` has leading zeros, so that it sorts as
    text in the order of the facts.

    Source:
        RULES X-3; CloudEvents 1.0.2 with its extensions *sequence* and *recordedtime*.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    recordedtime: datetime
    sequence: str
    data: Json = field(repr=False)
    specversion: str = SPECVERSION
    datacontenttype: str = CONTENT_TYPE

    def to_json(self) -> str:
        """The envelope as text, in the JSON format of CloudEvents."""
        return write_json({name: _plain(self, name) for name in _ATTRIBUTES} | {"data": self.data})

    @property
    def version(self) -> int:
        """Which version of its stream the fact made."""
        return int(self.sequence)


_ATTRIBUTES: Final = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "recordedtime",
    "sequence",
    "datacontenttype",
)


def _plain(envelope: CloudEvent, name: str) -> Json:
    value: object = getattr(envelope, name)
    return to_plain(value)


def cloud_events(
    stream: StreamId, committed: Committed, *, source: str, codec: EventCodec | None = None
) -> tuple[CloudEvent, ...]:
    """
    The facts of one commit of one stream, each in its envelope, in order.

    Args:
        stream: Which of the commit's streams.
        committed: What the outbox gave.
        source: Who says so: a URI reference of the host's choice, such as ``/shops/berlin``.
        codec: Another table of events than the present one.
    """
    table = codec or event_codec()
    events = committed.events[stream]
    first = committed.versions[stream] - len(events) + 1
    return tuple(
        _wrapped(event, version, stream=stream, committed=committed, source=source, table=table)
        for version, event in enumerate(events, start=first)
    )


def _wrapped(
    event: Event,
    version: int,
    *,
    stream: StreamId,
    committed: Committed,
    source: str,
    table: EventCodec,
) -> CloudEvent:
    name, form = table.name_of(event)
    return CloudEvent(
        id=f"{committed.commit}/{stream}/{version}",
        source=source,
        type=f"{PREFIX}{name}.v{form}",
        subject=stream,
        time=event.at,
        recordedtime=committed.recorded_at,
        sequence=str(version).zfill(_PLACES),
        data=to_plain(event),
    )


def read_cloud_event(text: str) -> CloudEvent:
    """
    The envelope behind its text.

    Raises:
        DecodeError: It is no envelope of ours: an attribute is missing, extra or no text.
    """
    plain = read_json(text)
    if not isinstance(plain, dict) or set(plain) != {*_ATTRIBUTES, "data"}:
        raise DecodeError((("$", "must be an envelope with exactly its attributes"),))
    named = {name: from_plain(plain[name], str, at=f"$.{name}") for name in _TEXTS}
    if named["specversion"] != SPECVERSION:
        raise DecodeError((("$.specversion", f"must be {SPECVERSION}"),))
    if not (named["sequence"].isascii() and named["sequence"].isdigit()):
        raise DecodeError((("$.sequence", "must be digits"),))
    return CloudEvent(
        time=from_plain(plain["time"], datetime, at="$.time"),
        recordedtime=from_plain(plain["recordedtime"], datetime, at="$.recordedtime"),
        data=plain["data"],
        **named,
    )


_TEXTS: Final = tuple(name for name in _ATTRIBUTES if name not in {"time", "recordedtime"})


def event_of(envelope: CloudEvent, *, codec: EventCodec | None = None) -> Event:
    """
    The fact inside an envelope.

    Raises:
        UnknownEventTypeError: Its type is not known here.
        DecodeError: Its type is not one of ours, or its data cannot be read.
    """
    name, dot, version = envelope.type.removeprefix(PREFIX).rpartition(".v")
    if not (envelope.type.startswith(PREFIX) and dot and version.isascii() and version.isdigit()):
        raise DecodeError((("$.type", "must be a type such as ordercore.OrderPlaced.v1"),))
    entry: dict[str, Json] = {"type": name, "version": int(version), "data": envelope.data}
    return (codec or event_codec()).event_of(cast("Json", entry), stream=envelope.subject)
