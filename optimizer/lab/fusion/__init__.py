"""How well `fuse` finds events that two agencies reported, and how well reliabilities and tips are learnt."""
