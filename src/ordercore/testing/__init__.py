"""
What a host needs to test with the library: contract suites, strategies, sandboxes, simulation.
"""
