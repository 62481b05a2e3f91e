"""Records of several agencies made one: the same event found in several feeds, merged, and told."""
