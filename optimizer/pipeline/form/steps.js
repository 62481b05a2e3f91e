/* One step at a time: the first tag of the title is the last step that can be done, and what is read takes the planner on. */
(function steps() {
  var page = window.Bokeh && Bokeh.documents.length && Bokeh.documents[0], title = page && page.get_model_by_name("title");
  if (!title) { setTimeout(steps, 100); return; }
  var parts = Array.from(document.querySelectorAll("[data-step]")), choices = Array.from(document.querySelectorAll("[data-to]"));
  var back = document.querySelector(".back"), next = document.querySelector(".next"), side = document.querySelector(".side");
  var shown = 1, last = 1;
  function show(step) {
    shown = step;
    parts.forEach(function (part) { part.hidden = Number(part.dataset.step) !== step; });
    choices.forEach(function (choice) {
      var to = Number(choice.dataset.to);
      choice.disabled = to > last;
      if (to === step) { choice.setAttribute("aria-current", "step"); } else { choice.removeAttribute("aria-current"); }
    });
    back.hidden = step === 1;
    next.hidden = step === parts.length;
    next.disabled = step >= last;
    side.hidden = last === 1;
  }
  function can() {
    var before = last;
    last = title.tags[0] || 1;
    show(before === 1 && last > 1 && shown === 1 ? 2 : Math.min(shown, last));
  }
  function turn(by) {
    show(shown + by);
    document.querySelector(".steps").scrollIntoView();
  }
  choices.forEach(function (choice) { choice.addEventListener("click", function () { show(Number(choice.dataset.to)); }); });
  back.addEventListener("click", function () { turn(-1); });
  next.addEventListener("click", function () { turn(1); });
  title.connect(title.properties.tags.change, can);
  can();
})();
