"""Ledger: an append-only log of what agencies received, fitted, planned and released, signed so that others can check it."""
