"""A first scenario by a form: what `desk --new` does."""
