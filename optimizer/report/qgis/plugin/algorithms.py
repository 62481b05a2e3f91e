"""Processing algorithms that call the command line in an environment of its own: arguments as a list, no shell, progress as it comes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from qgis.core import (
    QgsLineSymbol,
    QgsMarkerSymbol,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProviderRegistry,
    QgsSettings,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)

SETTING = "interdict/program"
PROGRAM = "interdict"
KEPT_OUT = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV")
"""Variables by which QGIS points to its own Python, which is another than the program's."""
PATIENCE = 120.0
"""Seconds that a cancelled program has to write what there is, before it is ended."""
POSIX = os.name == "posix"
REGION = {
    "dropped": None,
    "arcs": {"line_color": "#767676", "line_width": "0.3"},
    "border": {"line_color": "#1a1a1a", "line_width": "0.7", "line_style": "dash"},
    "gateways": {"name": "circle", "color": "#f6dcea", "outline_color": "#a3477a", "size": "4.8"},
    "crossings": {
        "name": "triangle",
        "color": "#1a1a1a",
        "outline_color": "#ffffff",
        "size": "2.9",
    },
    "settlements": {
        "name": "circle",
        "color": "#4d4d4d",
        "outline_color": "#ffffff",
        "size": "1.9",
    },
}
"""Layers of a region that are added, and their symbols as in the report; `dropped` is a table."""


class Command(QgsProcessingAlgorithm):
    """What the algorithms share: the program, its run, and the layers of what it wrote."""

    id_, title, about = "", "", ""

    def name(self):
        """Return what commands call it."""
        return self.id_

    def displayName(self):
        """Return what people call it."""
        return self.title

    def shortHelpString(self):
        """Return what it does."""
        return self.about

    def createInstance(self):
        """Return a new one."""
        return type(self)()

    def initAlgorithm(self, config=None):
        """Declare the program, then the parameters of each."""
        self.declare()
        default = QgsSettings().value(SETTING, os.environ.get("INTERDICT_PROGRAM", PROGRAM))
        self.addParameter(
            QgsProcessingParameterString(
                "PROGRAM", "Program `interdict`, with its path", str(default)
            )
        )

    def call(self, arguments, parameters, context, feedback):
        """Run the program; return what it prints. Cancelling ends a search as Ctrl-C does: what there is is written, whole or not at all."""
        given = self.parameterAsString(parameters, "PROGRAM", context)
        program = shutil.which(given)
        if program is None:
            raise QgsProcessingException(
                f"The program {given!r} is not there. Install border-interdiction into an environment of its own, and give the path of its `interdict`."
            )
        if feedback.isCanceled():
            raise QgsProcessingException("Cancelled.")
        environment = {name: value for name, value in os.environ.items() if name not in KEPT_OUT}
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            start_new_session=POSIX,
        )
        printed, said = [], []
        readers = [
            threading.Thread(target=lambda: printed.extend(process.stdout), daemon=True),
            threading.Thread(
                target=lambda: self.report(process.stderr, said, feedback), daemon=True
            ),
        ]
        for reader in readers:
            reader.start()
        try:
            self.wait(process, feedback)
        finally:
            if process.poll() is None:  # an error of QGIS itself
                self.end(process, "SIGKILL")
                process.wait()
        for reader in readers:
            reader.join(5)
        if process.returncode and feedback.isCanceled():
            raise QgsProcessingException("Cancelled; the program wrote nothing.")
        if process.returncode:
            raise QgsProcessingException(
                "".join(said[-20:]) or f"The program ended with code {process.returncode}."
            )
        return "".join(printed)

    def wait(self, process, feedback):
        """Wait for the program; when somebody cancels, interrupt it, and end it where it does not end by itself."""
        steps, until = [("SIGINT", PATIENCE), ("SIGTERM", 5.0), ("SIGKILL", 60.0)], 0.0
        while process.poll() is None:
            if feedback.isCanceled() and steps and time.monotonic() >= until:
                name, patience = steps.pop(0)
                self.end(process, name)
                until = time.monotonic() + patience
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue

    @staticmethod
    def end(process, name):
        """Send a signal to the program and to what it started."""
        if POSIX:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, getattr(signal, name))
        else:  # no program can be interrupted from outside
            process.kill()

    @staticmethod
    def report(stream, said, feedback):
        """Pass lines of progress on."""
        for line in stream:
            said.append(line)
            feedback.pushInfo(line.rstrip())

    def add_layers(self, path, context, feedback, symbols=None):
        """Add the layers of a file to the project when the algorithm ends: each in its default style, or those of `symbols`, with theirs."""
        sources = [
            part.uri()
            for part in QgsProviderRegistry.instance().providerMetadata("ogr").querySublayers(path)
        ]
        added = []
        for source in reversed(sources):
            name = (
                source.partition("layername=")[2].partition("|")[0]
                or os.path.splitext(os.path.basename(path))[0]
            )
            layer = QgsVectorLayer(source, name, "ogr")
            if name == "layer_styles" or (symbols and name not in symbols) or not layer.isValid():
                continue
            if symbols and layer.isSpatial():
                kind = QgsMarkerSymbol if "name" in symbols[name] else QgsLineSymbol
                layer.setRenderer(QgsSingleSymbolRenderer(kind.createSimple(symbols[name])))
            context.temporaryLayerStore().addMapLayer(layer)
            details = QgsProcessingContext.LayerDetails(name, context.project(), name)
            context.addLayerToLoadOnCompletion(layer.id(), details)
            added.append(source)
        feedback.pushInfo(f"{len(added)} layers of {path}")
        return added


class BuildRegion(Command):
    """From an OpenStreetMap extract to a road network."""

    id_, title = "region", "Build region"
    about = "Builds the road network of a region with its border, crossings, gateways and settlements from an OpenStreetMap extract."

    def declare(self):
        """Declare the parameters."""
        self.addParameter(
            QgsProcessingParameterFile("FILE", "OpenStreetMap extract (.osm, .osm.pbf)")
        )
        self.addParameter(
            QgsProcessingParameterString(
                "BORDER", "Country of the border, or its GeoJSON", optional=True
            )
        )
        self.addParameter(
            QgsProcessingParameterString("MODES", "Of drive, service, track, foot, ferry", "drive")
        )
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", "Folder to write"))

    def processAlgorithm(self, parameters, context, feedback):
        """Run it."""
        out = self.parameterAsString(parameters, "OUT", context)
        border = self.parameterAsString(parameters, "BORDER", context)
        arguments = [
            "region",
            "--file",
            self.parameterAsFile(parameters, "FILE", context),
            "--out",
            out,
            "--overwrite",
        ]
        arguments += ["--modes", self.parameterAsString(parameters, "MODES", context)]
        self.call(
            [*arguments, *(["--border", border] if border else [])], parameters, context, feedback
        )
        return {
            "OUT": out,
            "LAYERS": self.add_layers(os.path.join(out, "region.gpkg"), context, feedback, REGION),
        }


class RunPlan(Command):
    """From a scenario to a plan and its layers."""

    id_, title = "plan", "Plan"
    about = "Plans a scenario with a proven bound, and adds sites, beats, routes, risk and the rest as styled layers. Cancelling keeps the plan so far."

    def declare(self):
        """Declare the parameters."""
        self.addParameter(
            QgsProcessingParameterFile("SCENARIO", "Scenario (TOML)", extension="toml")
        )
        double = QgsProcessingParameterNumber.Double
        self.addParameter(
            QgsProcessingParameterNumber(
                "TIME_LIMIT", "Seconds of solving", double, 60.0, minValue=0.01
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "GAP", "Relative gap at which to stop", double, 0.01, minValue=0.0
            )
        )
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", "Folder to write"))
        self.addOutput(QgsProcessingOutputFile("REPORT", "Report"))

    def processAlgorithm(self, parameters, context, feedback):
        """Run it, then `export`."""
        out = self.parameterAsString(parameters, "OUT", context)
        arguments = [
            "plan",
            self.parameterAsFile(parameters, "SCENARIO", context),
            "--out",
            out,
            "--overwrite",
        ]
        for name, flag in (("TIME_LIMIT", "--time-limit"), ("GAP", "--gap")):
            arguments += [flag, repr(self.parameterAsDouble(parameters, name, context))]
        self.call(arguments, parameters, context, feedback)
        report = os.path.join(out, "report.html")
        if feedback.isCanceled():
            feedback.pushInfo(f"Cancelled: {out} holds the plan so far.")
            return {"OUT": out, "REPORT": report, "LAYERS": []}
        layers = os.path.join(out, "export")
        self.call(
            ["export", out, "--out", layers, "--no-figures", "--overwrite"],
            parameters,
            context,
            feedback,
        )
        added = self.add_layers(os.path.join(layers, "plan.gpkg"), context, feedback)
        return {"OUT": out, "REPORT": report, "LAYERS": added}


class RunEvaluate(Command):
    """The exact value of a plan."""

    id_, title = "evaluate", "Evaluate"
    about = "Values any plan of an instance exactly, with every evader's best response; smaller is better."

    def declare(self):
        """Declare the parameters."""
        self.addParameter(
            QgsProcessingParameterFile(
                "INSTANCE", "Instance (instance.json of a plan folder)", extension="json"
            )
        )
        self.addParameter(QgsProcessingParameterFile("PLAN", "Plan (plan.json)", extension="json"))
        self.addOutput(QgsProcessingOutputNumber("VALUE", "Value"))

    def processAlgorithm(self, parameters, context, feedback):
        """Run it."""
        files = [self.parameterAsFile(parameters, name, context) for name in ("INSTANCE", "PLAN")]
        printed = self.call(["evaluate", *files, "--json"], parameters, context, feedback)
        return {"VALUE": json.loads(printed.splitlines()[0])["value"]}


class RunFrontier(Command):
    """A curve of budgets."""

    id_, title = "frontier", "Frontier"
    about = "Solves for a range of budgets of a resource: value and proven bound of each, and what one more unit brings, as a table."

    def declare(self):
        """Declare the parameters."""
        self.addParameter(
            QgsProcessingParameterFile("SCENARIO", "Scenario (TOML) or instance (JSON)")
        )
        self.addParameter(
            QgsProcessingParameterString("RESOURCE", "Resource, such as agents@laredo-sector")
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "FROM", "Smallest budget", QgsProcessingParameterNumber.Double, 0.0
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "TO", "Largest budget", QgsProcessingParameterNumber.Double, 10.0
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber("POINTS", "Number of budgets", defaultValue=5, minValue=2)
        )
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", "Folder to write"))

    def processAlgorithm(self, parameters, context, feedback):
        """Run it."""
        out = self.parameterAsString(parameters, "OUT", context)
        arguments = [
            "frontier",
            self.parameterAsFile(parameters, "SCENARIO", context),
            "--out",
            out,
            "--overwrite",
        ]
        arguments += ["--resource", self.parameterAsString(parameters, "RESOURCE", context)]
        for name in ("FROM", "TO"):
            arguments += [
                f"--{name.lower()}",
                repr(self.parameterAsDouble(parameters, name, context)),
            ]
        arguments += ["--points", str(self.parameterAsInt(parameters, "POINTS", context))]
        self.call(arguments, parameters, context, feedback)
        return {
            "OUT": out,
            "LAYERS": self.add_layers(os.path.join(out, "frontier.csv"), context, feedback),
        }
