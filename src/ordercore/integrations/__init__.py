"""Integrations: what platforms, carriers and gateways write, read into plain values."""
