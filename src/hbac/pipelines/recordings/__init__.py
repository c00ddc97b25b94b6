"""Any recording in, answers out."""
