"""The marathon: damaged inputs, brute force, kills, terminal and disk faults, in
numbers (`python -m tests.marathon`).
"""
