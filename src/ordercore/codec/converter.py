"""
Values to JSON and back: exact, strict, and with a path for everything that is wrong.

cattrs generates the code for each attrs class; what a field's type means is decided here, by the
closed set of `ordercore.codec._kinds`, so nothing is coerced and nothing is guessed:

- an int is an int (no bool, no text, no float), an instant is aware, an extra key is refused;
- a union of classes carries ``$type``; an abstract class is open to the host's own values
  (`register_policy`);
- fields that have their default may be left out: ``decode(encode(x)) == x`` always.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Final, TypeVar, cast

from ordercore.codec._compiler import Compiler
from ordercore.codec._leaves import Json, Unfit
from ordercore.codec._misfit import misfit
from ordercore.codec.failures import DecodeError, UnstorableValueError, problems_of
from ordercore.codec.policies import register_policy

__all__ = [
    "Json",
    "decode",
    "encode",
    "fingerprint",
    "from_plain",
    "read_json",
    "register_policy",
    "to_plain",
    "write_json",
]

_Value = TypeVar("_Value")

_SMALL: Final = Compiler(omit_defaults=True, detailed=False)
_FULL: Final = Compiler(omit_defaults=False, detailed=False)
_DETAILED: Final = Compiler(omit_defaults=True, detailed=True)


class _UnfitText(ValueError):
    """Text that the standard parser would take."""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise _UnfitText("has a key twice")
    return result


def _no_float(_: str) -> object:
    raise _UnfitText("has a number that is not whole")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_no_float, parse_constant=_no_float
)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False)
_CANONICAL: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False)


def to_plain(value: object, *, declared: object = None, full: bool = False) -> Json:
    """
    The JSON form of *value*.

    Args:
        value: An attrs value, or anything that has a stored form.
        declared: The type that a reader will ask for; its own class by default.
        full: Write the fields that have their default too.

    Raises:
        UnstorableValueError: A field holds a value that its type does not allow.
        UnstorableTypeError: A type has no stored form.
    """
    compiler = _FULL if full else _SMALL
    try:
        return compiler.hooks(type(value) if declared is None else declared).write(value)
    except (Unfit, AttributeError, TypeError) as error:
        wanted: object = type(value) if declared is None else declared
        path, problem = misfit(compiler.hooks, value, wanted, error)
        raise UnstorableValueError(path, problem) from error


def from_plain(
    plain: object, declared: type[_Value], *, stream: str | None = None, at: str = "$"
) -> _Value:
    """
    The value of type *declared* that *plain* describes.

    Args:
        plain: What a JSON reader gave.
        declared: The type to read; *stream* and *at* (a JSON path) go into the error.

    Raises:
        DecodeError: It describes none; each problem is listed with its path.
    """
    try:
        return cast("_Value", _SMALL.hooks(declared).read(plain, declared))
    except Exception:  # noqa: BLE001 - whatever a constructor raises; read again below, slowly
        again = _explained(lambda: _DETAILED.hooks(declared).read(plain, declared), stream, at)
        return cast("_Value", again)


def _explained(read: Callable[[], object], stream: str | None, at: str) -> object:
    try:
        return read()
    except Exception as error:
        raise DecodeError(problems_of(error, at), stream) from error


def write_json(plain: Json) -> str:
    """Compact JSON text, in ASCII."""
    return _ENCODER.encode(plain)


def read_json(text: str, *, stream: str | None = None) -> Json:
    """
    The JSON value that *text* holds: no NaN, no duplicate keys, bounded depth.

    Raises:
        DecodeError: It is no such JSON.
    """
    try:
        return cast("Json", _DECODER.decode(text))
    except (ValueError, RecursionError) as error:
        problem = str(error) if isinstance(error, _UnfitText) else "is no JSON"
        raise DecodeError((("$", problem),), stream) from error


def encode(value: object, *, declared: object = None) -> str:
    """The stored text of *value*; see `to_plain`."""
    return write_json(to_plain(value, declared=declared))


def decode(text: str, declared: type[_Value], *, stream: str | None = None) -> _Value:
    """The value of type *declared* behind stored text; see `from_plain`."""
    return from_plain(read_json(text, stream=stream), declared, stream=stream)


def _full_name(kind: type) -> str:
    """The name of a command, with its room: two rooms may use one word."""
    package, _, rest = kind.__module__.partition(".")
    return f"{rest.partition('.')[0]}.{kind.__name__}" if package == "ordercore" else kind.__name__


def fingerprint(command: object) -> str:
    """
    What tells one command from another: a digest of its type and content.

    Equal commands have equal fingerprints, whatever the order of their mappings and on every
    machine. Fields that have their default do not count, so a new optional field of a later
    version leaves old fingerprints as they were.

    Source:
        docs/how-it-works.md, A commit: same key, same body.
    """
    text = _CANONICAL.encode([_full_name(type(command)), to_plain(command)])
    return hashlib.sha256(text.encode()).hexdigest()
