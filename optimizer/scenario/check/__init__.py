"""One pass over a scenario and all it names: faults, warnings, and what its files say."""
