"""
Many machines, one PostgreSQL: a store through SQLAlchemy Core.

Needs the extras ``sqlalchemy`` and ``postgres``.

A host makes the tables a part of its own metadata and migrations with `build_tables`, and gives
its engine to `SqlAlchemyStore`.
"""

from __future__ import annotations

from ordercore.adapters.sqlalchemy.store import SqlAlchemyStore
from ordercore.adapters.sqlalchemy.tables import Tables, build_tables

__all__ = ["SqlAlchemyStore", "Tables", "build_tables"]
