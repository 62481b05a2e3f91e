"""The plugin and its Processing provider."""

from qgis.core import QgsApplication, QgsProcessingProvider

from .algorithms import BuildRegion, RunEvaluate, RunFrontier, RunPlan


class Provider(QgsProcessingProvider):
    """The four algorithms."""

    def id(self):
        """Return what commands call it."""
        return "interdict"

    def name(self):
        """Return what people call it."""
        return "Border interdiction"

    def loadAlgorithms(self):
        """Add the algorithms."""
        for algorithm in (BuildRegion, RunPlan, RunEvaluate, RunFrontier):
            self.addAlgorithm(algorithm())


class Plugin:
    """Adds the provider, with or without a window."""

    def __init__(self, iface):
        """Take the window; it is not used."""
        self.provider = None

    def initProcessing(self):
        """Add the provider."""
        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Start in a window."""
        self.initProcessing()

    def unload(self):
        """Remove the provider."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
