"""
The relay: follows the outbox and tells the world, at least once, per stream in order (X-3).
"""

from __future__ import annotations

from attrs import frozen

from ordercore.codec.envelope import CloudEvent, cloud_events
from ordercore.errors import OrderCoreError
from ordercore.ids import StreamId
from ordercore.ports.gateways import Envelope, EventPublisher
from ordercore.ports.repositories import Outbox
from ordercore.service.effects import where

__all__ = ["Relay", "Relayed"]


@frozen(kw_only=True)
class Relayed:
    """What one round did: how many commits were told, and the streams that have to wait."""

    published: int
    waiting: tuple[tuple[StreamId, str], ...] = ()


@frozen(kw_only=True)
class Relay:
    """
    Hands unpublished commits to a publisher.

    A commit is marked after all its facts were handed over: after a crash in between it comes
    again, with the same ids. A stream whose commit could not be read or handed over waits; others
    go on.
    """

    outbox: Outbox
    publisher: EventPublisher
    source: str = "urn:ordercore"

    def run(self, *, limit: int = 100) -> Relayed:
        """Publish the oldest unpublished commit of up to *limit* streams."""
        published = 0
        waiting: list[tuple[StreamId, str]] = []
        for stream, committed in self.outbox.unpublished(limit=limit):
            if isinstance(committed, OrderCoreError):
                waiting.append((stream, committed.code))
                continue
            try:
                for event in cloud_events(stream, committed, source=self.source):
                    self.publisher.publish(_envelope(event))
            except Exception as error:  # noqa: BLE001  # whatever a host's publisher raises: later
                waiting.append((stream, where(error)))
                continue
            self.outbox.published(stream, committed.commit)
            published += 1
        return Relayed(published=published, waiting=tuple(waiting))

    def drain(self, *, rounds: int = 10_000) -> int:
        """Publish until nothing is left, or everything that is left must wait."""
        total = 0
        for _ in range(rounds):
            done = self.run()
            total += done.published
            if done.published == 0:
                break
        return total


def _envelope(event: CloudEvent) -> Envelope:
    return Envelope(
        id=event.id,
        type=event.type,
        subject=StreamId(event.subject),
        version=event.version,
        text=event.to_json(),
    )
