"""Certificates of bounds, and the program that checks them: it imports nothing of the package."""
