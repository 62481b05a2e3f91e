/* All the code of the page that is not bokeh's. No text of a record ever becomes part of it: texts are set as text. */
(function () {
  "use strict";
  var texts = JSON.parse(document.getElementById("texts").textContent);

  /* Tables: a click on a header sorts, and long ones begin with their first rows. */
  function amount(text) {
    var plain = text.split(texts.group).join("").split(texts.decimal).join(".").replace(/[\u00a0\u202f ]/g, "");
    var found = plain.match(/^[<>]?-?\d+(\.\d+)?(e[+-]?\d+)?/);
    return found ? parseFloat(found[0].replace(/[<>]/g, "")) : NaN;
  }
  function compare(column, numeric) {
    return function (a, b) {
      var x = a.cells[column].textContent, y = b.cells[column].textContent;
      if (!numeric) { return x.localeCompare(y, document.documentElement.lang, { numeric: true }); }
      var p = amount(x), q = amount(y);
      if (isNaN(p) || isNaN(q)) { return (isNaN(p) ? 1 : 0) - (isNaN(q) ? 1 : 0); }
      return p - q;
    };
  }
  many("table:not(.order-table)").forEach(function (table) {
    var body = table.tBodies[0], all = texts.all.replace("{count}", body.rows.length);
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
        more.textContent = short ? all : texts.first;
      });
    }
  });

  /* A link to a section whose only part is folded opens it. */
  many("a[href^='#']").forEach(function (link) {
    link.addEventListener("click", function () {
      var folded = many("#" + link.getAttribute("href").slice(1) + " > details.fold");
      if (folded.length === 1) { folded[0].open = true; }
    });
  });
  /* Browsers that do not know how to print what is folded get it opened. */
  var unfolded = [];
  window.addEventListener("beforeprint", function () {
    if (CSS.supports("selector(::details-content)")) { return; } /* page.css prints it; opened, tables have no heads on further pages */
    unfolded = many("details.on-paper:not([open])");
    unfolded.forEach(function (each) { each.open = true; });
  });
  window.addEventListener("afterprint", function () { unfolded.forEach(function (each) { each.open = false; }); });

  function summed(steps) {
    var sum = 0;
    return steps.map(function (step) { return sum += step; });
  }
  function listed(_, value) {
    if (!value) { return value; }
    if (value.texts) { return value.rows.map(function (k) { return value.texts[k]; }); }
    if (value.steps) { return summed(value.steps); }
    return value.lines ? value.lines.map(summed) : value;
  }
  Bokeh.embed.embed_item(JSON.parse(document.getElementById("map-data").textContent, listed)).then(function () {
    window.reportMap = planMap(Bokeh.documents[Bokeh.documents.length - 1].roots()[0], texts);
  });
})();
