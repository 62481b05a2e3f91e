"""Who travels: gravity, what the record and tips make of it, evaders."""
