"""QGIS plugin: a Processing provider for the command line of border-interdiction."""


def classFactory(iface):
    """Return the plugin; `iface` is None where there is no window, as in `qgis_process`."""
    from .provider import Plugin

    return Plugin(iface)
