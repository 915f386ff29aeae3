"""Books: balanced double entries from the facts of orders, and from payouts."""
