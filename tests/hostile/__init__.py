"""Random tiny problems that cross every feature, held against every plan with every
beat: `python -m tests.hostile`.
"""
