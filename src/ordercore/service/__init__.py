"""The engine written once, and its sync and async shells."""
