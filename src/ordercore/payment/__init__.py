"""Payments: every operation a saved intent before it is a call, every balance a fold of facts."""
