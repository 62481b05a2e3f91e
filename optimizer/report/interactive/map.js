/* The map of a plan, in a report and at the desk: one card for the mark that is tapped, clicked, pointed at, reached by arrow keys, or chosen in a
   table; switches for its layers. No text of a record ever becomes part of the code: texts are set as text. */
function many(query, within) { return Array.prototype.slice.call((within || document).querySelectorAll(query)); }
function element(tag, text, name) {
  var made = document.createElement(tag);
  if (text !== undefined) { made.textContent = text; }
  if (name) { made.className = name; }
  return made;
}

/* `plot` is bokeh's, within the element `map` of the page; `texts` are what the page says; `chosen` is told the name of a mark that is chosen, and
   whether by a click on the map. The plot may get another plan: its tags change last. */
function planMap(plot, texts, chosen) {
  "use strict";
  var frame = document.getElementById("map"), card = document.getElementById("card"), REACH = 22, NEAR = 9, CLOSER = 3, ROOM = 1.5, WIDE = 14;
  var view = Array.from(Bokeh.index).filter(function (each) { return each.model === plot; })[0];
  if (!view) { view = Bokeh.index.find_one(plot); }

  var ring, marks, badges, points, pinned = null, extent = null, watched = new Set();

  function add(renderer, tooltips) {
    var data = renderer.data_source.data, line = "xs" in data, filter = renderer.view.filter, rows = filter.indices;
    if (!Array.isArray(rows)) { rows = Array.prototype.map.call(line ? data.xs : data.x, function (_, k) { return k; }); }
    rows.forEach(function (k) {
      var name = data.mark ? data.mark[k] : renderer.id + ":" + k;
      marks.push({ name: name, renderer: renderer, data: data, row: k, line: line, tooltips: tooltips });
    });
  }
  function collect() {
    ring = plot.renderers.filter(function (each) { return each.name === "ring"; })[0];
    marks = [];
    badges = [];
    plot.toolbar.tools.forEach(function (tool) {
      if (tool.type === "HoverTool" && Array.isArray(tool.renderers)) {
        tool.renderers.forEach(function (renderer) { add(renderer, tool.tooltips); });
      }
    });
    plot.renderers.forEach(function (renderer) {
      var data = renderer.data_source && renderer.data_source.data;
      if (data && data.right && (data.number || data.box)) { badges.push({ renderer: renderer, data: data, right: data.right, down: data.down }); }
    });
    points = marks.filter(function (mark) { return !mark.line; });
    points.sort(function (a, b) { return a.data.number && b.data.number ? 0 : a.data.number ? -1 : b.data.number ? 1 : 0; });
    marks.forEach(function (mark) {
      if (watched.has(mark.renderer)) { return; }
      watched.add(mark.renderer);
      mark.renderer.connect(mark.renderer.properties.visible.change, function () { clearTimeout(counting); counting = setTimeout(count, 0); });
    });
    count();
  }
  /* A group counts those of its marks that show. */
  var counting = 0;
  function count() {
    badges.forEach(function (badge) {
      var data = badge.data;
      if (!data.marks) { return; }
      data.marks.forEach(function (names, k) {
        var shown = names.filter(function (name) { return named(name).renderer.visible; }).length;
        data.x[k] = shown ? data.east[k] : NaN;
        data.name[k] = texts.here.replace("{count}", shown);
      });
      badge.renderer.data_source.change.emit();
    });
  }

  function screen(x, y) { return [view.frame.x_scale.compute(x), view.frame.y_scale.compute(y)]; }
  function place(mark) {
    if (!mark.line) { return [mark.data.x[mark.row], mark.data.y[mark.row]]; }
    var xs = mark.data.xs[mark.row], ys = mark.data.ys[mark.row], k = Math.floor((xs.length - 1) / 2);
    return xs.length > 1 ? [(xs[k] + xs[k + 1]) / 2, (ys[k] + ys[k + 1]) / 2] : [xs[0], ys[0]];
  }
  function toSegment(p, a, b) {
    var dx = b[0] - a[0], dy = b[1] - a[1], size = dx * dx + dy * dy;
    var t = size ? Math.max(0, Math.min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / size)) : 0;
    return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
  }
  function distance(mark, p) {
    if (!mark.line) {
      var at = screen(mark.data.x[mark.row], mark.data.y[mark.row]);
      return Math.hypot(p[0] - at[0], p[1] - at[1]);
    }
    var xs = mark.data.xs[mark.row], ys = mark.data.ys[mark.row], least = Infinity, last = screen(xs[0], ys[0]);
    for (var k = 1; k < xs.length; k += 1) {
      var next = screen(xs[k], ys[k]);
      least = Math.min(least, toSegment(p, last, next));
      last = next;
    }
    return least;
  }
  function named(name) {
    var found = marks.filter(function (mark) { return mark.name === name; });
    return found.filter(function (mark) { return mark.renderer.visible; })[0] || found[0];
  }
  /* Numbers, letters and names are placed for some scales, the tags of what draws them: take the offsets of the last that the map has reached. */
  var reached = {};
  function settle() {
    var scale = Math.abs(view.frame.x_scale.compute(plot.x_range.end) - view.frame.x_scale.compute(plot.x_range.start)) / (plot.x_range.end - plot.x_range.start);
    plot.renderers.forEach(function (renderer) {
      var glyph = renderer.glyph;
      if (!glyph || !glyph.tags.length) { return; }
      var k = glyph.tags.filter(function (from) { return scale >= from; }).length - 1, end = k > 0 ? k : "";
      if (reached[renderer.id] === end) { return; }
      reached[renderer.id] = end;
      if (glyph.type === "Ray") { glyph.setv({ length: { field: "length" + end, units: "screen" }, angle: { field: "angle" + end } }); }
      else { glyph.setv({ x_offset: { field: "right" + end }, y_offset: { field: "down" + end } }); }
      badges.forEach(function (badge) {
        if (badge.renderer === renderer) { badge.right = badge.data["right" + end]; badge.down = badge.data["down" + end]; }
      });
    });
  }
  /* The mark at a point of the screen: a badge, else the nearest point, else the nearest line, within reach; a group has a box alone. */
  function under(p, reach) {
    var best = null, least = reach;
    badges.forEach(function (badge) {
      if (!badge.renderer.visible) { return; }
      Array.prototype.forEach.call(badge.right, function (right, k) {
        var at = screen(badge.data.x[k], badge.data.y[k]), aside = Math.abs(p[0] - at[0] - right) - (badge.data.box ? WIDE : 0);
        var off = Math.hypot(Math.max(0, aside), p[1] - at[1] - badge.down[k]);
        if (off < least) { least = off; best = badge.data.box ? { box: badge.data.box[k] } : named(badge.data.mark[k]); }
      });
    });
    [false, true].forEach(function (line) {
      if (line && best) { return; }
      marks.forEach(function (mark) {
        if (mark.line !== line || !mark.renderer.visible) { return; }
        var off = distance(mark, p);
        if (off < least) { least = off; best = mark; }
      });
    });
    return best;
  }
  function open(mark) {
    var pairs = mark.tooltips.map(function (pair) { return [pair[0], String(mark.data[pair[1].slice(1)][mark.row])]; });
    card.textContent = "";
    var list = element("dl"), close = element("button", "\u00d7", "close");
    close.setAttribute("aria-label", texts.close);
    close.addEventListener("click", shut);
    card.appendChild(element("h3", pairs[0][0] + " " + pairs[0][1]));
    card.appendChild(close);
    pairs.slice(1).forEach(function (pair) {
      list.appendChild(element("dt", pair[0]));
      list.appendChild(element("dd", pair[1]));
    });
    card.appendChild(list);
    if (texts.change && /^site-/.test(mark.name)) {
      var change = element("a", texts.change, "change");
      change.href = "#site";
      card.appendChild(change);
    }
    card.dataset.mark = mark.name;
    card.hidden = false;
    var at = place(mark), box = view.frame.bbox;
    card.classList.toggle("right", screen(at[0], at[1])[0] < (box.x0 + box.x1) / 2);
    ring.data_source.data = { x: [at[0]], y: [at[1]] };
    many("tr[data-mark]").forEach(function (row) { row.classList.toggle("chosen", row.dataset.mark === mark.name); });
  }
  function shut() {
    pinned = null;
    card.hidden = true;
    card.dataset.mark = "";
    ring.data_source.data = { x: [], y: [] };
  }
  /* Move the map so that a mark is well inside it, and so near that what lies around it can be told apart. */
  function show(mark) {
    var at = place(mark), x = plot.x_range, y = plot.y_range, wide = x.end - x.start, high = y.end - y.start;
    extent = extent || wide;
    whole = whole || [x.start, y.start, x.end, y.end];
    var zoom = Math.min(1, extent / 5 / wide);
    x.have_updated_interactively = true; /* or the ranges would be worked out from the data again */
    y.have_updated_interactively = true;
    var left = narrow ? 1 / 2 : 1 / 3; /* beside the mark there is room for its card; on a telephone that lies under the map */
    x.setv({ start: at[0] - zoom * wide * left, end: at[0] + zoom * wide * (1 - left) });
    y.setv({ start: at[1] - zoom * high / 2, end: at[1] + zoom * high / 2 });
    pinned = mark;
    open(mark);
    tell(mark, false);
  }
  /* A box in metres, as large as it fits, with some room and so many times closer at least where `least` says so; the whole map without a box. */
  var whole = null;
  function zoom(box, least) {
    var x = plot.x_range, y = plot.y_range;
    whole = whole || [x.start, y.start, x.end, y.end];
    var to = box ? box.split(" ").map(Number) : whole, wide = x.end - x.start, high = y.end - y.start;
    var by = Math.max((to[2] - to[0]) / wide, (to[3] - to[1]) / high), middle = [(to[0] + to[2]) / 2, (to[1] + to[3]) / 2];
    if (least) { by = Math.max(Math.min(ROOM * by, 1 / least), 1 / (3 * least)); }
    x.have_updated_interactively = true;
    y.have_updated_interactively = true;
    x.setv({ start: middle[0] - by * wide / 2, end: middle[0] + by * wide / 2 });
    y.setv({ start: middle[1] - by * high / 2, end: middle[1] + by * high / 2 });
    settle();
  }
  many("button[data-box]").forEach(function (button) {
    button.addEventListener("click", function () { zoom(button.dataset.box); });
  });
  function tell(mark, clicked) { if (chosen) { chosen(mark.name, clicked); } }
  function choose(name) {
    var mark = named(name);
    if (!mark) { return; }
    if (!mark.renderer.visible) {
      var choice = mark.renderer.tags.length ? mark.renderer.tags : [];
      many("input[name=map-layer]").forEach(function (each) { if (each.value === choice[0]) { each.click(); } });
      if (!choice.length) {
        mark.renderer.visible = true;
        switches();
      }
    }
    show(named(name));
    document.getElementById("where").scrollIntoView();
  }

  function at(event) {
    var box = view.canvas.el.getBoundingClientRect(), p = [event.clientX - box.left, event.clientY - box.top], inside = view.frame.bbox;
    return p[0] >= inside.x0 && p[0] <= inside.x1 && p[1] >= inside.y0 && p[1] <= inside.y1 ? p : null;
  }
  var down = null;
  frame.addEventListener("pointerdown", function (event) { down = [event.clientX, event.clientY]; }, true);
  frame.addEventListener("click", function (event) {
    var p = at(event);
    if (!p || (down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 8)) { return; }
    var mark = under(p, event.pointerType === "touch" ? REACH : NEAR);
    if (mark && mark.box) { zoom(mark.box, CLOSER); } else if (mark) { pinned = mark; open(mark); tell(mark, true); } else { shut(); }
  });
  frame.addEventListener("pointermove", function (event) {
    if (event.pointerType !== "mouse" || event.buttons || pinned) { return; }
    var p = at(event), mark = p && under(p, NEAR);
    if (mark && !mark.box) { open(mark); } else { shut(); }
  });
  frame.addEventListener("keydown", function (event) {
    var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { shut(); }
    if (!step) { return; }
    event.preventDefault();
    var shown = points.filter(function (mark) { return mark.renderer.visible; });
    if (shown.length) { show(shown[(shown.indexOf(pinned) + step + shown.length + (pinned || step > 0 ? 0 : 1)) % shown.length]); }
  }, true);
  many("a[data-mark]").forEach(function (link) {
    link.addEventListener("click", function (event) { event.preventDefault(); choose(link.dataset.mark); });
  });
  many("tr[data-mark]").forEach(function (row) {
    var cell = row.cells[0], button = element("button", cell.textContent, "show");
    button.setAttribute("aria-label", texts.on_map.replace("{name}", function () { return cell.textContent; }));
    cell.textContent = "";
    cell.appendChild(button);
    row.addEventListener("click", function () { choose(row.dataset.mark); });
  });
  /* At every frame bokeh writes where the element of each layer lies, as a style. Nobody sees those elements, and styles that change make the browser
     compute all of them anew, which takes longer than drawing the map. */
  var glyphs = (view.computed_renderer_views || []).filter(function (each) { return each.model.type === "GlyphRenderer"; });
  var sheets = glyphs.length ? Object.getPrototypeOf(glyphs[0].position || {}) : {}, write = sheets._update;
  if (glyphs.length) { Object.getPrototypeOf(glyphs[0]).update_position = function () {}; }
  if (write) { sheets._update = function (text) { if (this.el.textContent !== text) { write.call(this, text); } }; }
  /* A thumb that moves up or down moves the page: bokeh would keep every touch for itself. */
  view.canvas.touch_action.replace(".bk-events { touch-action: pan-y; }");
  /* Two fingers zoom the map, about the place between them. */
  var fingers = new Map(), spread = null;
  function pinch() {
    var both = Array.from(fingers.values()), box = view.canvas.el.getBoundingClientRect();
    return { apart: Math.hypot(both[0][0] - both[1][0], both[0][1] - both[1][1]), x: (both[0][0] + both[1][0]) / 2 - box.left, y: (both[0][1] + both[1][1]) / 2 - box.top };
  }
  function finger(event) {
    if (event.pointerType !== "touch") { return; }
    if (event.type === "pointerup" || event.type === "pointercancel") { fingers.delete(event.pointerId); }
    else if (event.type === "pointerdown" || fingers.has(event.pointerId)) { fingers.set(event.pointerId, [event.clientX, event.clientY]); }
    if (fingers.size !== 2) { spread = null; return; }
    event.stopPropagation();
    var now = pinch();
    if (spread && now.apart > 0) {
      var by = spread.apart / now.apart, x = plot.x_range, y = plot.y_range;
      var about = [view.frame.x_scale.invert(now.x), view.frame.y_scale.invert(now.y)];
      whole = whole || [x.start, y.start, x.end, y.end];
      x.have_updated_interactively = true;
      y.have_updated_interactively = true;
      x.setv({ start: about[0] + by * (x.start - about[0]), end: about[0] + by * (x.end - about[0]) });
      y.setv({ start: about[1] + by * (y.start - about[1]), end: about[1] + by * (y.end - about[1]) });
    }
    spread = now;
  }
  ["pointerdown", "pointermove", "pointerup", "pointercancel"].forEach(function (kind) { frame.addEventListener(kind, finger, true); });
  /* A card belongs to what the view shows: it closes when the view moves. */
  [plot.x_range, plot.y_range].forEach(function (range) {
    range.connect(range.properties.start.change, function () { if (!card.hidden) { shut(); } });
  });
  var soon = 0;
  [plot.x_range.properties.start.change, plot.x_range.properties.end.change].forEach(function (change) {
    plot.x_range.connect(change, function () { clearTimeout(soon); soon = setTimeout(settle, 100); });
  });

  /* What the legend hides with a click can be hidden by keyboard and by thumb too. */
  var narrow = window.matchMedia("(max-width: 50rem)").matches, list = document.getElementById("layers-list"), legends, items;
  function switches() {
    list.textContent = "";
    legends.filter(function (legend) { return legend.visible; }).forEach(function (legend) {
      legend.items.filter(function (item) { return item.visible && item.renderers.length; }).forEach(function (item) {
        var label = element("label"), box = element("input"), name = String(item.label.value || item.label);
        box.type = "checkbox";
        box.checked = item.renderers[0].visible;
        box.addEventListener("change", function () { item.renderers.forEach(function (each) { each.visible = box.checked; }); });
        label.appendChild(box);
        label.appendChild(document.createTextNode(" " + (legend.title ? texts.beat.replace("{letter}", function () { return name; }) : name)));
        list.appendChild(label);
      });
    });
  }
  function colour(choice) {
    items.forEach(function (layer) {
      if (layer.tags.length) { layer.visible = layer.tags.indexOf(choice.value) >= 0; }
    });
    document.getElementById("map-title").textContent = choice.dataset.title;
  }
  function drawn() {
    legends = plot.right.concat(plot.below).filter(function (part) { return part.type === "Legend"; });
    items = legends.reduce(function (every, legend) { return every.concat([legend], legend.items); }, plot.renderers);
    if (narrow) {
      items.forEach(function (layer) {
        if (layer.name === "wide") { layer.visible = false; }
        if (layer.name === "narrow") { layer.visible = true; }
      });
    }
    many("input[name=map-layer]").forEach(function (choice) { if (choice.checked) { colour(choice); } });
    if (narrow && !frame.dataset.fixed) {
      var rows = legends.filter(function (legend) { return legend.visible && !legend.title; }).reduce(function (sum, legend) {
        return sum + legend.items.filter(function (item) { return item.visible; }).length;
      }, 0);
      plot.height = 500 + 20 * rows + (plot.tags.length ? plot.tags[0] : 0);
    }
    switches();
    collect();
    reached = {};
    settle();
    if (pinned) {
      pinned = named(pinned.name) || null;
      if (pinned) { open(pinned); } else { shut(); }
    }
  }
  many("input[name=map-layer]").forEach(function (choice) { choice.addEventListener("change", drawn); });
  drawn();
  if (frame.dataset.first) { zoom(frame.dataset.first); }
  plot.connect(plot.properties.tags.change, drawn);
  return { ready: performance.now(), screen: screen, place: place, choose: choose, get marks() { return marks; } };
}
