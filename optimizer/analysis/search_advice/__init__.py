"""Search advice."""
