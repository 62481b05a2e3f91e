"""The interactive map: roads by risk, traffic before and after, places, sites and
beats, drawn with bokeh.
"""
