/* Without the program behind it the page shows an old state, whose controls do nothing. */
(function watch() {
  var page = window.Bokeh && Bokeh.documents.length && Bokeh.documents[0];
  if (!page) { setTimeout(watch, 100); return; }
  function shown(gone) {
    document.querySelector(".gone").hidden = !gone;
    document.querySelector("main").inert = gone;
  }
  page.on_event("connection_lost", function () { shown(true); });
  page.on_event("client_reconnected", function () { shown(false); });
})();
