"""Returns: goods on their way back, what became of them, and the policy that decides."""
