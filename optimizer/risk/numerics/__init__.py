"""Sparse factors and distributions that the risk models rest on."""
