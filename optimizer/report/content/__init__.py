"""What a report says: everything a commander reads, gathered by the pipeline and drawn
by this package.

Missing numbers are None (or NaN inside arrays) and appear as a dash. A *value* is what
evaders achieve against a layout, in the unit of `PlanSummary.unit`; smaller is better
for the defender. Texts may come from records: they are data, never markup.
"""
