"""
What a host needs to test with the library: contract suites, strategies, sandboxes, simulation.
"""

from __future__ import annotations

from ordercore.testing._missing import LibraryMissingError

__all__ = ["LibraryMissingError"]
