"""The memory of which webhooks were taken: a port, and one for tests and single processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Lock

from attrs import Attribute, define, field

from ordercore.money import checked_quantity

__all__ = ["MemoryReplayGuard", "ReplayGuard"]


class ReplayGuard(ABC):
    """Port: remembers which messages were taken."""

    @abstractmethod
    def was_taken(self, scheme: str, message_id: str) -> bool:
        """Whether the message was taken; asked by `verify` after a good signature."""

    @abstractmethod
    def take(self, scheme: str, message_id: str) -> bool:
        """
        Remember the message; called by the host, when what it says is committed.

        Answers whether it is remembered for the first time: of two calls with one id, however
        close, one gets true. The memory is kept at least as long as the sender repeats a message
        (days).
        """


def _most(_instance: object, attribute: Attribute[int], value: object) -> None:
    checked_quantity(value, attribute.name)


@define
class MemoryReplayGuard(ReplayGuard):
    """Remembers in this process; *most* ids, the oldest forgotten first. Threads may share it."""

    most: int = field(default=100_000, validator=_most)
    _seen: dict[tuple[str, str], None] = field(
        factory=dict[tuple[str, str], None], init=False, repr=False
    )
    _lock: Lock = field(factory=Lock, init=False, repr=False, eq=False)

    def was_taken(self, scheme: str, message_id: str) -> bool:
        """Whether the message was taken."""
        with self._lock:
            return (scheme, message_id) in self._seen

    def take(self, scheme: str, message_id: str) -> bool:
        """Remember the message; whether it is for the first time."""
        with self._lock:
            if (scheme, message_id) in self._seen:
                return False
            self._seen[scheme, message_id] = None
            while len(self._seen) > self.most:
                del self._seen[next(iter(self._seen))]
            return True
