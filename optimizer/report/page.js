/* All the code of the page that is not bokeh's. No text of a record ever becomes part of it: texts are set as text. */
(function () {
  "use strict";
  var many = function (query, within) { return Array.prototype.slice.call((within || document).querySelectorAll(query)); };
  var element = function (tag, text, name) {
    var made = document.createElement(tag);
    if (text !== undefined) { made.textContent = text; }
    if (name) { made.className = name; }
    return made;
  };

  /* Tables: a click on a header sorts, and long ones begin with their first rows. */
  function amount(text) {
    var found = text.replace(/[,\u00a0 ]/g, "").match(/^[<>]?-?\d+(\.\d+)?(e[+-]?\d+)?/);
    return found ? parseFloat(found[0].replace(/[<>]/g, "")) : NaN;
  }
  function compare(column, numeric) {
    return function (a, b) {
      var x = a.cells[column].textContent, y = b.cells[column].textContent;
      if (!numeric) { return x.localeCompare(y, undefined, { numeric: true }); }
      var p = amount(x), q = amount(y);
      if (isNaN(p) || isNaN(q)) { return (isNaN(p) ? 1 : 0) - (isNaN(q) ? 1 : 0); }
      return p - q;
    };
  }
  many("table").forEach(function (table) {
    var body = table.tBodies[0], all = "Show all " + body.rows.length + " rows";
    many("th", table).forEach(function (header, column) {
      var button = element("button", header.textContent, "sort");
      header.textContent = "";
      header.appendChild(button);
      button.addEventListener("click", function () {
        var down = header.getAttribute("aria-sort") === "ascending";
        many("th[aria-sort]", table).forEach(function (other) { other.removeAttribute("aria-sort"); });
        header.setAttribute("aria-sort", down ? "descending" : "ascending");
        var order = compare(column, header.classList.contains("number"));
        many("tr", body).sort(function (a, b) {
          var dash = function (row) { return row.cells[column].textContent.trim() === "\u2013" ? 1 : 0; };
          return dash(a) - dash(b) || (down ? order(b, a) : order(a, b));
        }).forEach(function (row) { body.appendChild(row); });
      });
    });
    if (table.className) {
      var more = element("button", all, "screen-only more " + table.className);
      table.classList.add("short");
      table.parentNode.parentNode.insertBefore(more, table.parentNode.nextSibling);
      more.addEventListener("click", function () {
        var short = table.classList.toggle("short");
        more.textContent = short ? all : "Show the first rows";
      });
    }
  });

  Bokeh.embed.embed_item(JSON.parse(document.getElementById("map-data").textContent)).then(function () {
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
    many("input[name=map-layer]").forEach(function (choice) {
      choice.addEventListener("change", function () { show(choice); });
      if (choice.checked) { show(choice); }
    });
  });
})();
