"""
From declared types to a writer and a reader for each: made once per type, then only called.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Final, cast

import attrs
from cattrs import Converter, gen
from cattrs.gen import override

from ordercore.codec._hooks import (
    Hooks,
    Reader,
    Writer,
    by_json_type,
    constants,
    enumerated,
    first_that_writes,
    fixed,
    list_reader,
    list_writer,
    maybe,
    noted,
)
from ordercore.codec._kinds import (
    Choice,
    Constants,
    Enumerated,
    Fixed,
    Kind,
    Leaf,
    Many,
    Maybe,
    Open,
    Record,
    Table,
    json_type,
    key_is_text,
    kind_of,
)
from ordercore.codec._leaves import LEAVES, Json, Unfit, as_object
from ordercore.codec.failures import PlaceNote, UnstorableTypeError, in_parts
from ordercore.codec.policies import classes_of

__all__ = ["TAG", "Compiler", "type_name"]

TAG: Final = "$type"
"""The key that tells the classes of a union apart."""

_FACTORY: Final[Any] = attrs.Factory
_GEN: Final[Any] = gen
"""cattrs leaves the types of its generated functions open."""


def type_name(declared: type) -> str:
    """The stored name of a class: its own, without its module."""
    return declared.__name__


class Compiler:
    """
    Makes and keeps the hooks of every type.

    Args:
        omit_defaults: Writers leave out fields that have their default.
        detailed: Readers collect every problem with its path; slower, so used for the second look
            at what a quick reader refused.
    """

    def __init__(self, *, omit_defaults: bool, detailed: bool) -> None:
        self._omit_defaults = omit_defaults
        self._detailed = detailed
        self._converter = Converter(detailed_validation=detailed, forbid_extra_keys=True)
        self._hooks: dict[object, Hooks] = {}
        self._lock = RLock()
        self._making: set[object] = set()
        self._made: dict[object, Hooks] = {}

    def hooks(self, declared: object) -> Hooks:
        """
        The hooks of *declared*; made by the first thread that asks, while others wait.

        Raises:
            UnstorableTypeError: It has no stored form.
        """
        found = self._hooks.get(declared)
        if found is not None:
            return found
        with self._lock:
            return self._found(declared)

    def _found(self, declared: object) -> Hooks:
        """Types that contain each other are told to other threads together, once all are made."""
        found = self._hooks.get(declared) or self._made.get(declared)
        if found is not None:
            return found
        if declared in self._making:
            return self._later(declared)
        self._making.add(declared)
        try:
            found = self._made[declared] = self._make(kind_of(declared))
        except BaseException:
            self._made.clear()
            raise
        finally:
            self._making.discard(declared)
        if not self._making:
            self._hooks.update(self._made)
            self._made.clear()
        return found

    def _later(self, declared: object) -> Hooks:
        """Hooks of a type that is being made: it contains itself."""

        def write(value: object) -> Json:
            return self._hooks[declared].write(value)

        def read(value: object, _: object) -> object:
            return self._hooks[declared].read(value, declared)

        return Hooks(write, read)

    def _make(self, kind: Kind) -> Hooks:
        match kind:
            case Leaf(type=type_):
                rules = LEAVES[type_]
                return Hooks(rules.write, lambda value, _: rules.read(value))
            case Constants(values=values):
                return constants(values)
            case Enumerated(type=type_):
                return enumerated(type_)
            case Maybe(inner=inner):
                return maybe(self.hooks(inner))
            case Many() | Fixed() | Table():
                return self._collection(kind)
            case Record() | Choice() | Open():
                return self._object(kind)

    def _collection(self, kind: Many | Fixed | Table) -> Hooks:
        match kind:
            case Many(item=item, make=make):
                return Hooks(
                    list_writer(self.hooks(item).write, make),
                    list_reader(self._each(item), make),
                )
            case Fixed(items=items):
                return fixed([self.hooks(item) for item in items])
            case Table(key=key, value=value):
                if key_is_text(key):
                    return self._object_table(key, value)
                return self._pair_table(key, value)

    def _object(self, kind: Record | Choice | Open) -> Hooks:
        match kind:
            case Record():
                return self._record(kind)
            case Open(type=base):
                return self._tagged(lambda: classes_of(kind), base.__name__)
            case Choice():
                return self._choice(kind)

    # --- collections ----------------------------------------------------------------------------

    def _each(self, item: object) -> Callable[[list[object]], list[object]]:
        """Reads all items of a list; in detail, all the wrong ones are named."""
        read = self.hooks(item).read
        if not self._detailed:
            return lambda values: [read(value, item) for value in values]

        def each(values: list[object]) -> list[object]:
            result: list[object] = []
            errors: list[Exception] = []
            for index, value in enumerate(values):
                try:
                    result.append(read(value, item))
                except Exception as error:  # noqa: BLE001 - collected and raised below
                    error.add_note(PlaceNote.of(index))
                    errors.append(error)
            if errors:
                raise in_parts(errors)
            return result

        return each

    def _object_table(self, key: object, value: object) -> Hooks:
        keys, values = self.hooks(key), self.hooks(value)

        def write(table: object) -> Json:
            if not isinstance(table, Mapping):
                raise Unfit("must be a mapping")
            pairs = cast("Mapping[object, object]", table).items()
            return {cast("str", keys.write(k)): values.write(v) for k, v in pairs}

        def read(plain: object, _: object) -> object:
            pairs = as_object(plain).items()
            return {keys.read(k, key): noted(values.read, v, value, k) for k, v in pairs}

        return Hooks(write, read)

    def _pair_table(self, key: object, value: object) -> Hooks:
        pairs = self.hooks(tuple[tuple[key, value], ...])  # type: ignore[valid-type]

        def write(table: object) -> Json:
            if not isinstance(table, Mapping):
                raise Unfit("must be a mapping")
            plain = pairs.write(tuple(cast("Mapping[object, object]", table).items()))
            return sorted(cast("list[Json]", plain), key=json.dumps)

        def read(plain: object, _: object) -> object:
            entries = cast("tuple[tuple[object, object], ...]", pairs.read(plain, None))
            result = dict(entries)
            if len(result) < len(entries):
                raise Unfit("must not have a key twice")
            return result

        return Hooks(write, read)

    # --- classes --------------------------------------------------------------------------------

    def _record(self, kind: Record) -> Hooks:
        cls = kind.type
        write_fields, read_fields = self._generated(kind)

        def write(value: object) -> Json:
            if type(value) is not cls:
                raise Unfit(f"must be a {cls.__name__}, not a {type(value).__name__}")
            return write_fields(value)

        def read(plain: object, _: object) -> object:
            return read_fields(as_object(plain), cls)

        return Hooks(write, read)

    def _generated(self, kind: Record) -> tuple[Writer, Reader]:
        """What cattrs generates for a class, each field going through our own hooks."""
        inner = {slot.name: self.hooks(slot.type) for slot in kind.slots}
        writers: dict[str, Any] = {n: override(unstruct_hook=h.write) for n, h in inner.items()}
        readers: dict[str, Any] = {n: override(struct_hook=h.read) for n, h in inner.items()}
        cls = cast("type[Any]", kind.type)
        # Positional fields first: cattrs keeps the order, and a kw_only base comes before them.
        fields = sorted(map(_with_plain_default, attrs.fields(cls)), key=lambda one: one.kw_only)
        write = _GEN.make_dict_unstructure_fn_from_attrs(
            fields,
            cls,
            self._converter,
            _cattrs_omit_if_default=self._omit_defaults,
            _cattrs_use_linecache=False,
            **writers,
        )
        read = _GEN.make_dict_structure_fn_from_attrs(
            fields,
            cls,
            self._converter,
            _cattrs_forbid_extra_keys=True,
            _cattrs_use_linecache=False,
            _cattrs_detailed_validation=self._detailed,
            **readers,
        )
        return cast("Writer", write), cast("Reader", read)

    def _tagged(self, members: Callable[[], Mapping[str, type]], what: str) -> Hooks:
        """Classes told apart by `TAG`."""
        named = _Names(members, what)

        def write(value: object) -> Json:
            name = type_name(type(value))
            if named.find(name) is not type(value):
                raise Unfit(f"must be a {what} known here (see register_policy), not {name}")
            fields = cast("dict[str, Json]", self.hooks(type(value)).write(value))
            return {TAG: name, **fields}

        def read(plain: object, _: object) -> object:
            fields = as_object(plain).copy()
            cls = named.get(fields.pop(TAG, None))
            return self.hooks(cls).read(fields, cls)

        return Hooks(write, read)

    def _choice(self, kind: Choice) -> Hooks:
        has_classes = kind.tagged or kind.bases
        objects = self._tagged(lambda: classes_of(kind), "class") if has_classes else None
        plain = {json_type(member): self.hooks(member) for member in kind.plain}
        if len(plain) < len(kind.plain) or (objects is not None and dict in plain):
            raise UnstorableTypeError("a union whose members look alike in JSON")
        if objects is not None:
            plain[dict] = objects
        return Hooks(first_that_writes(list(plain.values())), by_json_type(plain))


def _with_plain_default(field: attrs.Attribute[Any]) -> attrs.Attribute[Any]:
    """
    The field with the value that its factory makes.

    A writer only compares with it, so it need not be made anew for each value that is written.
    """
    default: Any = field.default
    if isinstance(default, _FACTORY) and not default.takes_self:
        return field.evolve(default=default.factory())
    return field


class _Names:
    """Classes by name; asks again when a name is not known yet (it may be registered later)."""

    def __init__(self, members: Callable[[], Mapping[str, type]], what: str) -> None:
        self._members = members
        self._what = what
        self._known: dict[str, type] = {}

    def find(self, name: str) -> type | None:
        if name not in self._known:
            self._known.update(self._members())
        return self._known.get(name)

    def get(self, name: object) -> type:
        if type(name) is not str:
            raise Unfit(f"must have a {TAG} that says which {self._what} it is")
        found = self.find(name)
        if found is None:
            raise Unfit(f"has a {TAG} that is no {self._what} known here")
        return found
