from __future__ import annotations

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator

import ordercore
from tests.architecture.source import PACKAGE, name_of

PORTS = [path for path in sorted((PACKAGE / "ports").glob("*.py")) if path.stem[:3] != "aio"]

Methods = dict[str, tuple[str, bool]]


def ports() -> list[type]:
    """Every abstract class that the ports define, sorted by name."""
    found = {
        value
        for path in PORTS
        for value in vars(importlib.import_module(name_of(path))).values()
        if inspect.isabstract(value) and value.__module__ == name_of(path)
    }
    return sorted(found, key=lambda port: port.__name__)


def methods_of(kind: type) -> Methods:
    """Public methods: what each takes and gives, and whether it must be awaited."""
    found: Methods = {}
    for name, member in inspect.getmembers_static(kind):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            found[name] = (str(inspect.signature(member.fget)) if member.fget else "", False)
        elif inspect.isfunction(member):
            found[name] = (str(inspect.signature(member)), waits(member))
    return {name: (shape.replace("Async", ""), waits) for name, (shape, waits) in found.items()}


def waits(member: object) -> bool:
    """Whether a method is a coroutine or gives an asynchronous iterator."""
    gives = getattr(member, "__annotations__", {}).get("return", "")
    streams = "AsyncIterator" in str(gives) or "AsyncGenerator" in str(gives)
    return streams or inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)


def differences(sync: type, twin: type) -> list[str]:
    """How the asynchronous twin of a class differs from it, except that it must be awaited."""
    if sync is twin:
        return []
    ours, theirs = methods_of(sync), methods_of(twin)
    found = [f"{name} stands on one side only" for name in sorted(ours.keys() ^ theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        if ours[name][0] != theirs[name][0]:
            found.append(f"{name}{ours[name][0]} is not {name}{theirs[name][0]}")
        is_property = isinstance(inspect.getattr_static(sync, name), property)
        if theirs[name][1] == is_property:
            found.append(f"{name} must {'not ' if is_property else ''}be awaited")
    return found


def test_every_port_has_an_equal_twin() -> None:
    """Each port stands in ``ports.aio`` too, with the same methods."""
    aio = importlib.import_module("ordercore.ports.aio")
    found: dict[str, list[str]] = {}
    for port in ports():
        twin = getattr(aio, f"Async{port.__name__}", None) or getattr(aio, port.__name__, None)
        problems = ["missing"] if twin is None else differences(port, twin)
        if problems:
            found[port.__name__] = problems
    assert {} == found


def test_the_services_are_twins() -> None:
    """Both services have the same methods with the same arguments."""
    assert [] == differences(ordercore.OrderService, ordercore.AsyncOrderService)


class _Sync(ABC):
    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def load(self, key: str, *, limit: int = 1) -> int: ...

    @abstractmethod
    def all(self) -> Iterator[int]: ...


class _Same(ABC):
    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    async def load(self, key: str, *, limit: int = 1) -> int: ...

    @abstractmethod
    def all(self) -> AsyncIterator[int]: ...


class _Other(ABC):
    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def load(self, key: str, *, limit: int = 2) -> int: ...

    @abstractmethod
    async def more(self) -> None: ...


def test_equal_twins_have_no_differences() -> None:
    """Awaiting, and streaming asynchronously, are no differences."""
    assert [] == differences(_Sync, _Same)


def test_planted_differences_are_found() -> None:
    """A method that is missing, that has another default, or that blocks is found."""
    assert [
        "all stands on one side only",
        "more stands on one side only",
        (
            "load(self, key: 'str', *, limit: 'int' = 1) -> 'int' is not"
            " load(self, key: 'str', *, limit: 'int' = 2) -> 'int'"
        ),
        "load must be awaited",
    ] == differences(_Sync, _Other)
