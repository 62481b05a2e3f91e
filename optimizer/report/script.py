"""All the code of the page that is not bokeh's: it starts the map and shows the layers that are chosen above it."""

from __future__ import annotations

START = """
Bokeh.embed.embed_item(JSON.parse(document.getElementById("map-data").textContent)).then(function () {
  "use strict";
  var plot = Bokeh.documents[Bokeh.documents.length - 1].roots()[0];
  var legends = plot.right.concat(plot.below).filter(function (part) { return part.type === "Legend"; });
  var layers = legends.reduce(function (every, legend) { return every.concat([legend], legend.items); }, plot.renderers);
  if (window.matchMedia("(max-width: 50rem)").matches) {
    plot.height = 880 + (plot.tags.length ? plot.tags[0] : 0);
    layers.forEach(function (layer) {
      if (layer.name === "wide") { layer.visible = false; }
      if (layer.name === "narrow") { layer.visible = true; }
    });
  }
  function show(choice) {
    layers.forEach(function (layer) {
      if (layer.tags.length) { layer.visible = layer.tags.indexOf(choice.value) >= 0; }
    });
    document.getElementById("map-title").textContent = choice.dataset.title;
  }
  document.querySelectorAll("input[name=map-layer]").forEach(function (choice) {
    choice.addEventListener("change", function () { show(choice); });
    if (choice.checked) { show(choice); }
  });
});
"""
"""A constant: no text of a record ever becomes part of it."""
