"""A plan for a geographic information system: typed tables with shapes, their QGIS
styles, a project, and the files that hold them.
"""
