"""Branch and cut for the placement of options."""
