"""Refunds: what is owed less, what that sends back, and to where."""
