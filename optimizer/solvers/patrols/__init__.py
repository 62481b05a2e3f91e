"""Column generation, branch and price, and pricing of beats."""
