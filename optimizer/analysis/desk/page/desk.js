/* The map, the list of sites and the sliders of the desk. The server is told which site is chosen, and decides the rest. */
(function desk() {
  var page = window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle && Bokeh.documents[0];
  if (!page) { setTimeout(desk, 100); return; }
  var texts = JSON.parse(document.getElementById("texts").textContent), chosen = page.get_model_by_name("chosen");
  var plot = document.getElementById("map") && page.get_model_by_name("map"), list = Bokeh.index.find_one(page.get_model_by_name("list")).shadow_el;
  function tell(name, mark, clicked) { chosen.data = { name: [name], mark: [mark], clicked: [clicked ? "True" : ""] }; }
  if (plot) { window.reportMap = planMap(plot, texts, function (mark, clicked) { tell("", mark, clicked); }); }

  /* What is pressed is answered at once, whatever it takes: the tags of the message tell that it is done, and whether the map is still to come. */
  var working = document.getElementById("working"), message = page.get_model_by_name("message");
  function says(text) { working.textContent = text; working.hidden = !text; }
  document.addEventListener("click", function (event) {
    var path = event.composedPath(), group = Bokeh.index.find_one(page.get_model_by_name("click"));
    var button = path.filter(function (part) { return part.classList && part.classList.contains("bk-btn"); })[0];
    if (button && !button.disabled && !(group && path.indexOf(group.el) >= 0)) { says(texts.working); }
  }, true);
  message.connect(message.properties.tags.change, function () { says(message.tags[1] ? texts.map_follows : ""); });
  if (plot) { plot.connect(plot.properties.tags.change, function () { says(""); }); }

  /* The list: what is typed is looked for in every row, and a number finds its site before all others. */
  var find = document.getElementById("find"), found = document.getElementById("found");
  function rows() { return many("tbody tr", list); }
  function sift() {
    var asked = find.value.trim().toLowerCase(), left = 0, every = rows();
    every.forEach(function (row) {
      row.hidden = asked !== row.dataset.number && row.textContent.toLowerCase().indexOf(asked) < 0;
      left += !row.hidden;
    });
    found.textContent = asked ? texts.found.replace("{left}", left).replace("{count}", every.length) : texts.keys;
    stop();
  }
  /* One tab stop: the site that had the focus last, else the first that is shown; arrow keys go from there. */
  var held = "";
  function buttons() { return rows().filter(function (row) { return !row.hidden; }).map(function (row) { return row.querySelector("button"); }); }
  function stop() {
    var shown = buttons(), first = shown.filter(function (each) { return each.dataset.name === held; })[0] || shown[0];
    many("button[data-name]", list).forEach(function (each) { each.tabIndex = each === first ? 0 : -1; });
  }
  list.addEventListener("focusin", function (event) {
    if (event.target.dataset.name) { held = event.target.dataset.name; stop(); }
  });
  list.addEventListener("keydown", function (event) {
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key], shown = buttons(), k = shown.indexOf(event.target);
    if (k < 0 || !(step || event.key === "Home" || event.key === "End")) { return; }
    event.preventDefault();
    shown[step ? Math.max(0, Math.min(shown.length - 1, k + step)) : event.key === "Home" ? 0 : shown.length - 1].focus();
  });
  function choose(button) {
    if (button.dataset.mark && window.reportMap) { reportMap.choose(button.dataset.mark); }
    tell(button.dataset.name, "", false);
  }
  find.addEventListener("input", sift);
  find.addEventListener("keydown", function (event) {
    if (event.key !== "Enter") { return; }
    var shown = rows().filter(function (row) { return !row.hidden; }), asked = find.value.trim();
    var first = shown.filter(function (row) { return row.dataset.number === asked; })[0] || shown[0];
    if (first) { choose(first.querySelector("button")); }
  });
  list.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-name]");
    if (button) { choose(button); }
  });
  new MutationObserver(sift).observe(list, { childList: true, subtree: true });
  sift();

  /* Bokeh gives the handles of sliders no name; texts are set as attributes, never as code. */
  (function name() {
    for (var k = 0, slider; (slider = page.get_model_by_name("budget-" + k)); k += 1) {
      Bokeh.index.find_one(slider).shadow_el.querySelectorAll(".noUi-handle").forEach(function (handle) { handle.setAttribute("aria-label", slider.tags[0]); });
    }
    setTimeout(name, 2000);
  })();
})();
