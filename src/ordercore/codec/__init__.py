"""
Stored text: events, snapshots and envelopes as strict JSON, and back.

`registry` has the closed table of events, `converter` turns values into JSON, `upcasters` bring
old forms up to date, `state` keeps snapshots, `envelope` wraps what leaves through the outbox,
`schema` describes it all, and `strict_json` reads what comes from outside.
"""
