"""The laboratory: benchmarks, studies, backtests, simulated worlds and converters, for
researchers.
"""
