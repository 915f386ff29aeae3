"""A real payload with one value changed, for every value in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, TypeAlias, cast

from ordercore.codec.strict_json import PayloadError

__all__ = ["BAD_VALUES", "outcomes"]

Place: TypeAlias = tuple[str | int, ...]

BAD_VALUES: Final[tuple[object, ...]] = (
    None, "", "x", -1, 0, 10**30, 1.5, True, [], {}, [None], "1.5", "-1.00", "\x1b[2J", "x" * 6_000,
)  # fmt: skip


def outcomes(read: Callable[[str], object], raw: bytes, new: object) -> dict[bool, int]:
    """How often the payload was still read, and how often refused by a path; nothing else."""
    whole = json.loads(raw, parse_float=Decimal)
    found = {True: 0, False: 0}
    for place in _places(whole):
        found[_is_read(read, json.dumps(_bent(whole, place, new), default=float))] += 1
    return found


def _is_read(read: Callable[[str], object], raw: str) -> bool:
    try:
        read(raw)
    except PayloadError:
        return False
    return True


def _places(value: object, place: Place = ()) -> Iterator[Place]:
    yield place
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield from _places(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from _places(inner, (*place, index))


def _bent(value: object, place: Place, new: object) -> object:
    if not place:
        return new
    first, rest = place[0], place[1:]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {
            key: _bent(inner, rest, new) if key == first else inner
            for key, inner in members.items()
        }
    items = cast("list[object]", value)
    return [
        _bent(inner, rest, new) if index == first else inner for index, inner in enumerate(items)
    ]
