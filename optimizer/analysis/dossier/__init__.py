"""The file that stands beside an automated decision tool: what an authority asks, and
what the folders of a plan and its answers hold of it.
"""
