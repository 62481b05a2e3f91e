"""The walk: every command of README and every question of docs/questions.md, on several
borders, in the order in which staff of a sector take them, each output opened by what a
user opens it with.
"""
