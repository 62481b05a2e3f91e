"""The study of the risk models: what each makes of records in worlds whose truth is
known, kept row by row, and the page of it.
"""
