"""Documents: invoices, credit notes and slips, immutable, built from slots and credits."""
