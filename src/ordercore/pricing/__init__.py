"""Pricing: from a draft to exact, frozen amounts, and what each slot of a line is worth."""
