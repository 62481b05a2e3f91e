"""From a checked scenario to an instance, and draws of what is not known."""
