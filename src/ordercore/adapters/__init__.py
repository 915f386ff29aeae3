"""Stores that implement the storage ports: in memory, SQLite, and PostgreSQL by an extra."""
