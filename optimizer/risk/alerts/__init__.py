"""Alerts: places whose recent seizures depart from what their search effort led to expect."""
