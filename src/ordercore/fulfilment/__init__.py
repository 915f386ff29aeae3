"""Fulfilment: work for warehouses, parcels, and what carriers say about them."""
