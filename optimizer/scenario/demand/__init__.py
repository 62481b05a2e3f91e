"""Who travels: gravity, what the record and tips make of it, evaders; what patrols and
measures at the source need of them.
"""
