"""After a plan: what was delivered of it, what passes, and whether it worked."""
