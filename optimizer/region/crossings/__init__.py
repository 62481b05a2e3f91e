"""Border crossings: which line is the border, where ways meet it, and which crossings let evaders in."""
