"""Worlds whose truth is known, and records made in them: what every risk model is
judged on.

A world is a true rate of seizures per unit of effort on every segment. A history is
what comes of searching it, month by month, under a way of choosing where to look; a
record is what is written down of it, right or wrong. Worlds differ by `settings`, which
also draws a family of them that covers the settings evenly. The truth's travellers do
not choose roads as any estimator here believes (`world`).

**Frozen on 24 November 2026**, before the study of the risk models
(`optimizer.lab.study`, results/risk.md) was run: the named settings and every draw that
a seed makes under them stay as they are. A test holds the settings and the draws.
Planted changes (`Change`) and the other settings were added after; a history under the
named ones is what it was. The family was frozen on 25 November 2026, before it was run.
"""
