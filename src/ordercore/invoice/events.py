"""
What happened to documents: they are issued, and that is all.
"""

from __future__ import annotations

from attrs import evolve, frozen

from ordercore.facts import Numbered
from ordercore.invoice.model import Document

__all__ = ["DocumentIssued"]


@frozen(kw_only=True)
class DocumentIssued(Numbered):
    """A document was issued; its number is taken from the series in the same commit."""

    document: Document

    @property
    def numbered(self) -> Document:
        """The document with its number."""
        return evolve(self.document, number=self.number)
