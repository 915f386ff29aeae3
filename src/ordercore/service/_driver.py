"""How a coroutine over effects is driven over plain ports: with ``send``, and no event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TypeVar, cast

from ordercore.service.effects import Effect, Ports

__all__ = ["run"]

_T = TypeVar("_T")


def run(work: Coroutine[Effect[object], object, _T], ports: Ports) -> _T:
    """Drive a coroutine over plain ports to its end; what a port raises is raised inside it."""
    answer: object = None
    error: Exception | None = None
    while True:
        try:
            effect = work.send(answer) if error is None else work.throw(error)
        except StopIteration as stop:
            return cast("_T", stop.value)
        try:
            answer, error = effect.call(ports), None
        except Exception as raised:  # noqa: BLE001  # the coroutine decides what it means
            error = raised
