"""The QGIS plugin: its sources under `plugin`, which QGIS imports and this package does
not, and the archive that QGIS installs.
"""
