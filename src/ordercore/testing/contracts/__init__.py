"""
Contract suites: what each port promises, as tests that a host runs against its own adapter.

They are written for pytest and touch an adapter through its port only. `store.StoreContract` is
the whole suite of a store; `orders`, `stock`, `people`, `outbox` and `unit_of_work` hold its parts
for hosts that implement some of them, and `gateway` tells whether a payment gateway can be used.
"""
