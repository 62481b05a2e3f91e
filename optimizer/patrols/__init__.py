"""Patrols: teams, their bases and posts, the beats they can drive, and what each does to an evader."""
