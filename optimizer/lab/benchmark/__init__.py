"""Benchmark: families of instances, runs that cannot hurt each other, and the page that
compares the methods.
"""
