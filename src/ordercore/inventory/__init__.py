"""
Stock: what is there, who holds it, who waits for it, and from where it goes (RULES I).
"""
