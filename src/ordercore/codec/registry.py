"""
The closed table of event types, and their stored form.

An event is stored as ``{"type": name, "version": n, "data": {...}}``; several are a list of these.
A name is looked up here and nowhere else: no path of a module or class is ever read from stored
text. An unknown name stops with `UnknownEventTypeError`, which keeps the raw text.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Final, cast

import attrs
from attrs import define

from ordercore.codec._leaves import Json
from ordercore.codec.converter import from_plain, read_json, to_plain, write_json
from ordercore.codec.failures import DecodeError, UnknownEventTypeError
from ordercore.codec.upcasters import STEPS, VERSIONS, Data, Upcasters
from ordercore.errors import BrokenContractError
from ordercore.facts import Event
from ordercore.fulfilment import events as fulfilment
from ordercore.inventory import events as inventory
from ordercore.invoice import events as invoice
from ordercore.order import events as order
from ordercore.payment import events as payment
from ordercore.returns import events as returns

__all__ = [
    "EVENTS",
    "EventCodec",
    "EventNameTakenError",
    "encode_events",
    "event_codec",
]

ROOMS: Final[tuple[ModuleType, ...]] = (fulfilment, inventory, invoice, order, payment, returns)
"""The modules that hold the rooms' events; a test finds any that is missing here."""

NAMES: Final[Mapping[str, str]] = {
    # Holds of carts keep stock; an order's own HoldReleased ends a stop on its work.
    "ordercore.inventory.events.HoldReleased": "StockHoldReleased",
}
"""Stored names that are not the name of the class, by its module and name."""


@define
class EventNameTakenError(BrokenContractError):
    """Two event types have one stored name."""

    sentence = "Two event types are called {name}; give one of them another stored name."
    name: str


def stored_name(event: type[Event]) -> str:
    """The name under which a type of event is stored."""
    return NAMES.get(f"{event.__module__}.{event.__qualname__}", event.__name__)


class EventCodec:
    """
    Events to stored text and back, for a closed set of types.

    Args:
        events: The types that there are, each an attrs class.
        upcasters: How the stored forms of earlier versions become the present ones.

    Raises:
        EventNameTakenError: Two types have one stored name.
        MissingStepError: An upcaster belongs to no type.
    """

    def __init__(self, events: Iterable[type[Event]], upcasters: Upcasters | None = None) -> None:
        self.upcasters = upcasters or Upcasters()
        self._by_name: dict[str, type[Event]] = {}
        self._names: dict[type[Event], tuple[str, int]] = {}
        for event in events:
            name = stored_name(event)
            if name in self._by_name:
                raise EventNameTakenError(name)
            self._by_name[name] = event
            self._names[event] = name, self.upcasters.current(name)

    @property
    def types(self) -> Mapping[str, type[Event]]:
        """The types by their stored names."""
        return self._by_name

    def name_of(self, event: Event) -> tuple[str, int]:
        """
        The stored name and version of an event's type.

        Raises:
            UnknownEventTypeError: It is not among the types of this codec.
        """
        found = self._names.get(type(event))
        if found is None:
            raise UnknownEventTypeError(type(event).__name__, 0, "")
        return found

    def encode(self, events: Sequence[Event]) -> str:
        """
        The stored text of some events.

        Raises:
            UnknownEventTypeError: An event of another type.
            UnstorableValueError: A field holds what its type does not allow.
        """
        plain: list[Json] = []
        for event in events:
            name, version = self.name_of(event)
            plain.append({"type": name, "version": version, "data": to_plain(event)})
        return write_json(plain)

    def decode(self, text: str, *, stream: str | None = None) -> tuple[Event, ...]:
        """
        The events behind stored text; nothing of them is built when one cannot be read.

        Raises:
            UnknownEventTypeError: A name or version that is not known here, with its raw text.
            DecodeError: The text is broken; each problem is listed with its JSON path.
        """
        plain = read_json(text, stream=stream)
        if not isinstance(plain, list):
            raise DecodeError((("$", "must be a list of events"),), stream)
        return tuple(
            self.event_of(entry, stream=stream, at=f"$[{index}]")
            for index, entry in enumerate(plain)
        )

    def event_of(self, entry: Json, *, stream: str | None = None, at: str = "$") -> Event:
        """The event behind one stored entry; *at* is its JSON path, for errors."""
        match entry:
            case {"type": str(name), "version": int(version), "data": dict(data), **rest} if (
                not rest and type(version) is int and version >= 1
            ):
                pass
            case _:
                problem = "must be an object with type, version and data"
                raise DecodeError(((at, problem),), stream)
        kind = self._by_name.get(name)
        if kind is None or version > self.upcasters.current(name):
            raise UnknownEventTypeError(name, version, write_json(entry), stream)
        fresh = self._upcast(name, version, cast("Data", data), (stream, at))
        return from_plain(fresh, kind, stream=stream, at=f"{at}.data")

    def _upcast(self, name: str, version: int, data: Data, where: tuple[str | None, str]) -> Data:
        try:
            return self.upcasters.upcast(name, version, data)
        except Exception as error:
            stream, at = where
            problem = f"cannot be brought up from version {version} ({type(error).__name__})"
            raise DecodeError(((at, problem),), stream) from error


def _events_of(room: ModuleType) -> Iterator[type[Event]]:
    """Every concrete event that a room defines, in the order of names."""
    for name in sorted(cast("list[str]", room.__all__)):
        found = getattr(room, name)
        if _is_event(found) and found.__module__ == room.__name__:
            yield found


def _is_event(found: object) -> bool:
    return (
        isinstance(found, type)
        and issubclass(found, Event)
        and attrs.has(found)
        and not inspect.isabstract(found)
    )


EVENTS: Final = tuple(event for room in ROOMS for event in _events_of(room))
"""Every event of every room: the closed table."""


@cache
def event_codec() -> EventCodec:
    """The codec of all events of this version."""
    return EventCodec(EVENTS, Upcasters(VERSIONS, STEPS))


def encode_events(events: Sequence[Event]) -> str:
    """The stored text of some events; see `EventCodec.encode`."""
    return event_codec().encode(events)
