(function () {
  "use strict";
  var svg = document.documentElement, margin = 10, inner = 1180, character = 7.25;
  var find = function (id) { return document.getElementById(id); };
  var frames = Array.prototype.map.call(document.querySelectorAll(".frame"), function (g) {
    return {
      g: g, rect: g.querySelector("rect"), text: g.querySelector("text"), label: g.dataset.n,
      name: g.querySelector("title").textContent,
      x: +g.dataset.x, w: +g.dataset.w, depth: +g.dataset.d
    };
  });
  var root = frames[0], zoomed = root, wanted = "";

  function fit(name, width) {
    var room = Math.floor((width - 8) / character);
    if (room < 3) return "";
    return name.length <= room ? name : name.slice(0, room - 1) + "\u2026";
  }

  function zoom(to) {
    zoomed = to;
    frames.forEach(function (f) {
      var above = f.depth < to.depth && f.x <= to.x + 1e-9 && f.x + f.w >= to.x + to.w - 1e-9;
      var left = above ? 0 : (f.x - to.x) / to.w, share = above ? 1 : f.w / to.w;
      var outside = !above && (left < -1e-6 || left > 1 - 1e-9 || f.depth < to.depth);
      var width = Math.max(share * inner - 0.5, 0.3);
      f.g.style.display = outside ? "none" : "";
      f.g.classList.toggle("above", above);
      f.rect.setAttribute("x", margin + left * inner);
      f.rect.setAttribute("width", width);
      f.text.setAttribute("x", margin + left * inner + 4);
      f.text.textContent = fit(f.label, width);
    });
    find("reset").style.display = to === root ? "none" : "";
    search(wanted);
  }

  function search(text) {
    wanted = text.toLowerCase();
    var end = -1, share = 0, count = 0;
    frames.forEach(function (f) {
      var hit = wanted !== "" && f.name.toLowerCase().indexOf(wanted) >= 0 && f !== root;
      f.g.classList.toggle("match", hit);
      f.g.classList.toggle("dimmed", wanted !== "" && !hit);
      // Frames come parents first: what lies inside a match counts with it.
      if (hit) { count += 1; if (f.x >= end - 1e-9) { share += f.w; end = f.x + f.w; } }
    });
    find("found").textContent = wanted === "" ? " "
      : "\u201c" + text + "\u201d: " + count + (count === 1 ? " frame, " : " frames, ")
        + (share * 100).toFixed(1) + "%";
  }

  function ask() {
    var text = window.prompt("Search in names and files (empty to end)", wanted);
    if (text !== null) search(text);
  }

  function onKey(element, act) {
    element.addEventListener("click", act);
    element.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
    });
  }

  frames.forEach(function (f) {
    onKey(f.g, function () { zoom(f); });
    var tell = function () { find("detail").textContent = f.name; };
    f.g.addEventListener("mouseenter", tell);
    f.g.addEventListener("focus", tell);
  });
  onKey(find("reset"), function () { zoom(root); });
  onKey(find("search"), ask);
  svg.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { if (wanted) search(""); else zoom(root); }
    if (event.key === "/" || (event.key === "f" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      ask();
    }
  });
  window.lgprofFlame = { search: search, zoom: function (i) { zoom(frames[i]); } };
})();
