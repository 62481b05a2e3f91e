"""Plans: the first ones, better ones by search, and what later searches begin from."""
