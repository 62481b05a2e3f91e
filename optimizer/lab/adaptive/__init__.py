"""Published findings on traffickers who adapt as named experiments, and policies that
learn side by side.
"""
