"""
The three kinds of message: requests and reports come in, events stay.

- A **request** is what somebody wants; it may be refused.
- A **report** is what the outside says has happened; it is absorbed or parked, never refused.
- An **event** is what happened: past tense, never changed, the stored format.
"""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from ordercore.ids import DocumentNumber, Series
from ordercore.moment import utc

__all__ = ["Event", "Numbered", "Report", "Request"]


@frozen(kw_only=True)
class Event:
    """A fact: ``at`` is when it happened (the store adds when it was recorded)."""

    at: datetime = field(converter=utc)


@frozen(kw_only=True)
class Numbered(Event):
    """A fact that takes a number of *series* when it is committed (RULES O-1, D-1)."""

    series: Series
    number: DocumentNumber | None = None


@frozen(kw_only=True)
class Request:
    """A command that may be refused."""


@frozen(kw_only=True)
class Report:
    """A command that is never refused; ``at`` is when it happened, maybe told late."""

    at: datetime = field(converter=utc)
