"""Rolling-origin backtests: whether the risk model says more than the global rate about
searches it has not seen.

Each period is judged *given its own effort*: where people searched is taken as given,
and only what they found is forecast.
"""
