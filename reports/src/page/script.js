"use strict";
{
  const SVG = "http://www.w3.org/2000/svg";
  const NEAR = 60;

  // A variant is hidden in every chart of the page at once.
  const hidden = new Set();
  const show = (place, shown) => {
    if (shown) hidden.delete(place); else hidden.add(place);
    for (const drawn of document.querySelectorAll(`.plot [data-variant="${place}"]`))
      drawn.classList.toggle("off", !shown);
    for (const button of document.querySelectorAll(`[data-hides="${place}"] button`))
      button.setAttribute("aria-pressed", String(shown));
  };
  for (const entry of document.querySelectorAll("[data-hides]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.title = "Hide or show in every chart";
    button.append(...entry.childNodes);
    button.addEventListener("click", () =>
      show(entry.dataset.hides, button.getAttribute("aria-pressed") !== "true"));
    entry.append(button);
  }

  // The lines of a picture, each with its points and what is said of them.
  const linesOf = (svg, said) => said.flatMap(({ place, label, lines }) => {
    const drawn = svg.querySelectorAll(`polyline[data-variant="${place}"]`);
    return lines.map((texts, nth) => ({
      place: String(place), label, texts,
      points: drawn[nth].getAttribute("points").trim().split(" ").map((at) => at.split(",").map(Number)),
    }));
  });

  const attach = (plot, said) => {
    const svg = plot.querySelector("svg");
    if (!svg) return;
    const lines = linesOf(svg, said);
    const visible = () => lines.filter((line) => !hidden.has(line.place));
    const reading = document.createElement("output");
    reading.className = "reading";
    reading.hidden = true;
    plot.append(reading);
    const ring = document.createElementNS(SVG, "circle");
    ring.setAttribute("r", "5");
    ring.setAttribute("class", "ring");
    ring.style.display = "none";
    svg.append(ring);

    let line = null;
    let at = 0;
    const leave = () => {
      line = null;
      reading.hidden = true;
      ring.style.display = "none";
    };
    const read = (one, nth) => {
      [line, at] = [one, nth];
      const [x, y] = line.points[at];
      ring.setAttribute("cx", x);
      ring.setAttribute("cy", y);
      ring.style.display = "";
      const box = svg.viewBox.baseVal;
      const name = document.createElement("b");
      name.textContent = line.label;
      reading.replaceChildren(name, ` ${line.texts[at]}`);
      reading.hidden = false;
      const width = plot.clientWidth;
      const left = x / box.width * width - reading.offsetWidth / 2;
      const top = y / box.height * plot.clientHeight - reading.offsetHeight - 12;
      reading.style.left = `${Math.max(0, Math.min(left, width - reading.offsetWidth))}px`;
      reading.style.top = `${top < 0 ? top + reading.offsetHeight + 24 : top}px`;
    };
    const nearest = (one, x) => one.points.reduce(
      (best, point, nth) => Math.abs(point[0] - x) < Math.abs(one.points[best][0] - x) ? nth : best, 0);

    const point = (event) => {
      const area = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / area.width;
      const [x, y] = [(event.clientX - area.left) * scale, (event.clientY - area.top) * scale];
      let best = [NEAR, null, 0];
      for (const one of visible()) one.points.forEach(([px, py], nth) => {
        const away = Math.hypot(px - x, py - y);
        if (away < best[0]) best = [away, one, nth];
      });
      if (best[1]) read(best[1], best[2]); else leave();
    };
    // A finger that only taps does not move.
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerleave", leave);

    // The same by keyboard: left and right along a curve, up and down to another.
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", "Values of this chart: arrow keys move along a curve and to another");
    plot.addEventListener("blur", leave);
    plot.addEventListener("keydown", (event) => {
      const shown = visible();
      const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const across = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (event.key === "Escape") return leave();
      if (!shown.length || (!along && !across && event.key !== "Home" && event.key !== "End")) return;
      event.preventDefault();
      if (!shown.includes(line)) return read(shown[0], 0);
      if (event.key === "Home") read(line, 0);
      else if (event.key === "End") read(line, line.points.length - 1);
      else if (along) read(line, Math.max(0, Math.min(line.points.length - 1, at + along)));
      else {
        const other = shown[(shown.indexOf(line) + across + shown.length) % shown.length];
        read(other, nearest(other, line.points[at][0]));
      }
    });
  };
  for (const data of document.querySelectorAll("script.points")) {
    const said = JSON.parse(data.textContent);
    for (const plot of data.parentElement.querySelectorAll(".plot")) attach(plot, said);
  }
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "Point at a curve, or use the arrow keys, to read it; choose a name to hide it in every chart.";
  document.querySelector("script.points")?.before(hint);
}
