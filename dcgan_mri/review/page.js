"use strict";
(() => {
  const SIDE = 10;
  const COLOURS = [0, 1, 2, 3, 4, 5].map(i => `var(--run-${i})`);
  // The second curve of a chart: discriminator, generated images.
  const DASHES = ["", "7 4"];
  const GROUPS = [
    ["Losses", ["gen/loss", "dis/loss"], "loss of generator and discriminator"],
    ["Scores", ["dis/y_real", "dis/y_fake"], "mean score that the discriminator gives real and generated images"],
  ];
  const SHORT = {"gen/loss": "generator", "dis/loss": "discriminator", "dis/y_real": "real", "dis/y_fake": "generated"};
  const runs = JSON.parse(document.getElementById("data").textContent).runs;
  const $ = id => document.getElementById(id);

  const epochs = [...new Set(runs.flatMap(run => [
    ...Object.keys(run.grids).map(Number), ...run.log.map(entry => entry.epoch)]))].sort((a, b) => a - b);
  let at = Math.max(0, epochs.length - 1);
  let chosen = {run: 0, cell: 0};
  let timer = null;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    set(element, attributes);
    element.append(...children);
    return element;
  }

  function draw(tag, attributes = {}, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    set(element, attributes);
    element.textContent = text;
    return element;
  }

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "style") Object.assign(element.style, value);
      else element.setAttribute(name, value);
    }
  }

  function number(value) {
    if (value === undefined || value === null) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(1);
    return String(Number(value.toPrecision(size >= 1000 ? 5 : 3)));
  }

  // A thumbnail's address, made once: a thousand cells may show parts of one picture.
  const addresses = new WeakMap();
  function address(holder) {
    if (!addresses.has(holder)) {
      const bytes = Uint8Array.from(atob(holder.thumbnail), character => character.charCodeAt(0));
      addresses.set(holder, URL.createObjectURL(new Blob([bytes], {type: "image/webp"})));
    }
    return addresses.get(holder);
  }

  function showCell(element, url, cell) {
    const row = Math.floor(cell / SIDE), column = cell % SIDE;
    set(element, {style: {
      backgroundImage: `url("${url}")`, backgroundSize: `${SIDE * 100}% ${SIDE * 100}%`,
      backgroundPosition: `${column * 100 / (SIDE - 1)}% ${row * 100 / (SIDE - 1)}%`}});
  }

  function swatch(i, dashed = false) {
    return make("span", {class: "swatch", "aria-hidden": "true", style: {
      borderColor: COLOURS[i % COLOURS.length], borderTopStyle: dashed ? "dashed" : "solid"}});
  }

  // The grids -----------------------------------------------------------------------------------------------------

  const views = runs.map((run, i) => {
    const image = make("img", {alt: ""});
    const none = make("p", {class: "none"}, "no grid for this epoch");
    const cells = make("div", {class: "cells", role: "group", "aria-label": `Images of ${run.name}`});
    for (let cell = 0; cell < SIDE * SIDE; cell++) {
      cells.append(make("button", {
        type: "button", tabindex: cell ? "-1" : "0",
        "aria-label": `Image ${cell}, row ${Math.floor(cell / SIDE) + 1}, column ${cell % SIDE + 1}`,
        onclick: () => open(i, cell)}));
    }
    cells.addEventListener("keydown", event => {
      const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE}[event.key];
      const here = [...cells.children].indexOf(document.activeElement);
      if (!step || here < 0) return;
      event.preventDefault();
      event.stopPropagation();
      const there = Math.min(SIDE * SIDE - 1, Math.max(0, here + step));
      cells.children[here].tabIndex = -1;
      cells.children[there].tabIndex = 0;
      cells.children[there].focus();
    });
    const caption = make("figcaption", {}, swatch(i), make("h3", {}, run.name), make("span", {class: "note"}));
    $("grids").append(make("figure", {class: "run"}, caption, make("div", {class: "grid"}, image, none, cells)));
    return {image, none, cells, note: caption.lastChild};
  });

  let rest = null;
  function showGrids() {
    const epoch = epochs[at];
    runs.forEach((run, i) => {
      const grid = run.grids[epoch], {image, none, cells, note} = views[i];
      none.hidden = Boolean(grid);
      image.hidden = cells.hidden = !grid;
      note.textContent = grid ? `epoch ${epoch}` : "";
      if (!grid) return;
      image.src = address(grid);
      image.alt = `Grid of 100 generated images, ${run.name}, epoch ${epoch}`;
    });
    // From a disk the whole grid is at hand, once the slider rests; over a network it would be many megabytes.
    clearTimeout(rest);
    if (location.protocol === "file:") rest = setTimeout(() => runs.forEach((run, i) => sharpen(run, i, epoch)), 400);
  }

  function sharpen(run, i, epoch) {
    const grid = run.grids[epoch];
    if (!grid) return;
    const whole = new Image();
    whole.onload = () => { if (epochs[at] === epoch) views[i].image.src = whole.src; };
    whole.src = grid.image;
  }

  // One image through all epochs -------------------------------------------------------------------------------------

  function strip(run, i, cell) {
    const list = make("div", {class: "strip", role: "group", "aria-label": `Image ${cell} of ${run.name} in each epoch`});
    for (const [epoch, grid] of Object.entries(run.grids)) {
      const picture = make("div", {class: "cell"});
      showCell(picture, address(grid), cell);
      list.append(make("button", {
        type: "button", "data-epoch": epoch, "aria-label": `Epoch ${epoch}`,
        onclick: () => go(epochs.indexOf(Number(epoch)))}, picture, make("span", {"aria-hidden": "true"}, epoch)));
    }
    return list;
  }

  function buildStrips() {
    $("strips").replaceChildren(...runs.flatMap((run, i) => [
      make("div", {class: "name"}, swatch(i), make("span", {}, run.name)), strip(run, i, chosen.cell)]));
    $("seed").value = chosen.cell;
    views.forEach(({cells}) => [...cells.children].forEach(
      (button, cell) => button.setAttribute("aria-current", String(cell === chosen.cell))));
  }

  function markStrips() {
    for (const list of document.querySelectorAll(".strip")) {
      for (const button of list.children) {
        const here = Number(button.dataset.epoch) === epochs[at];
        button.setAttribute("aria-current", String(here));
        if (here) list.scrollLeft = button.offsetLeft - list.offsetLeft - (list.clientWidth - button.clientWidth) / 2;
      }
    }
  }

  // One image, large ----------------------------------------------------------------------------------------------

  function open(run, cell) {
    stop();
    chosen = {run, cell};
    buildStrips();
    $("large-strip").replaceChildren(strip(runs[run], run, cell));
    if (!$("large").open) $("large").showModal();
    showLarge();
    markStrips();
  }

  function showLarge() {
    if (!$("large").open) return;
    const run = runs[chosen.run], cell = chosen.cell, epoch = epochs[at], grid = run.grids[epoch];
    $("large-title").textContent = `Image ${cell}, epoch ${epoch}, ${run.name}`;
    const image = $("large-image"), slice = $("large-slice");
    if (!grid) {
      set(image, {"aria-label": "none", style: {backgroundImage: "none"}});
      set(slice, {"aria-label": "none", style: {backgroundImage: "none"}});
      $("large-caption").textContent = "no grid for this epoch";
      $("slice-caption").textContent = "";
      return;
    }
    showCell(image, address(grid), cell);
    image.setAttribute("aria-label", `Generated image ${cell} of epoch ${epoch}`);
    $("large-caption").textContent = `generated, image seed ${cell}`;
    const still = () => $("large").open && chosen.cell === cell && runs[chosen.run] === run && epochs[at] === epoch;
    whenLoaded(grid.image, url => { if (still()) showCell(image, url, cell); });
    if (!grid.nearest) {
      set(slice, {"aria-label": "none", style: {backgroundImage: "none"}});
      $("slice-caption").textContent = "The training slices were not found when this page was written; name them with --dataset.";
      return;
    }
    const nearest = run.slices[grid.nearest[cell]];
    const whole = url => set(slice, {style: {backgroundImage: `url("${url}")`, backgroundSize: "100% 100%"}});
    whole(address(nearest));
    slice.setAttribute("aria-label", `Nearest training slice, ${nearest.name}`);
    $("slice-caption").textContent =
      `nearest training slice, ${nearest.name}; ${grid.distance[cell]} grey levels apart at 32×32 pixels`;
    whenLoaded(nearest.image, url => { if (still()) whole(url); });
  }

  function whenLoaded(url, then) {
    const image = new Image();
    image.onload = () => then(image.src);
    image.src = url;
  }

  $("close").addEventListener("click", () => $("large").close());
  $("large").addEventListener("click", event => { if (event.target === $("large")) $("large").close(); });
  $("large").addEventListener("close", () => {
    const {cells} = views[chosen.run];
    [...cells.children].forEach((button, cell) => { button.tabIndex = cell === chosen.cell ? 0 : -1; });
    cells.children[chosen.cell].focus();
  });

  // Curves ----------------------------------------------------------------------------------------------------------

  const scales = Object.assign({}, ...runs.map(run => run.scale));
  const logged = [...new Set(runs.flatMap(run => run.log.flatMap(entry => Object.keys(entry.values))))];
  const grouped = new Set(GROUPS.flatMap(([, names]) => names));
  const panels = [
    ...GROUPS.map(([title, names, about]) => ({title, names: names.filter(name => logged.includes(name)), about})),
    ...logged.filter(name => !grouped.has(name)).map(name => {
      const key = name.replace("measure/", ""), scale = scales[key];
      return {title: key, names: [name], key, about: scale ? `${scale.unit}; ${scale.reading}` : ""};
    })].filter(panel => panel.names.length);

  function band(run, panel) {
    const scale = panel.key && run.scale[panel.key];
    return scale && scale.real_low !== null ? [scale.real_low, scale.real_high] : null;
  }

  // Values over several powers of ten would leave one point above a flat line: then the axis is logarithmic, but for
  // a stretch around 0, since some measures may be negative.
  function axis(values, bands) {
    let low = Math.min(...values, ...bands), high = Math.max(...values, ...bands);
    const sizes = values.map(Math.abs).sort((a, b) => a - b);
    const largest = sizes[sizes.length - 1];
    const unit = Math.max(...bands.map(Math.abs), largest / 1e4);
    const wide = bands.length > 0 && largest > 30 * unit;
    const to = wide ? value => Math.asinh(value / unit) : value => value;
    if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
    const ticks = [];
    if (wide) {
      const first = Math.floor(Math.log10(unit)), last = Math.log10(Math.max(-low, high));
      const step = Math.max(1, Math.ceil((last - first) / 4));
      if (low <= 0) ticks.push(0);
      for (let power = first; power <= last; power += step) {
        if (10 ** power >= low) ticks.push(10 ** power);
        if (-(10 ** power) >= low) ticks.push(-(10 ** power));
      }
    } else {
      const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough);
      for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
    }
    const room = 0.04 * (to(high) - to(low));
    return {to, low: to(low) - room, high: to(high) + room, ticks, wide};
  }

  const charts = panels.map(panel => {
    const svg = draw("svg", {role: "img", tabindex: "0", "aria-label":
      `${panel.title} over the epochs. The values of the current epoch are in the table below.`});
    const tip = make("div", {class: "tip", hidden: ""});
    const note = make("p", {}, panel.about);
    $("charts").append(make("div", {class: "chart"}, make("h3", {}, panel.title), note, svg, tip));
    const chart = {panel, svg, tip, note};
    svg.addEventListener("pointermove", event => hover(chart, event));
    svg.addEventListener("pointerleave", () => { tip.hidden = true; chart.line.setAttribute("visibility", "hidden"); });
    svg.addEventListener("click", event => go(nearestEpoch(chart, event)));
    new ResizeObserver(() => paint(chart)).observe(svg);
    return chart;
  });

  function paint(chart) {
    const {panel, svg} = chart, width = svg.clientWidth, height = svg.clientHeight;
    if (!width) return;
    const left = 58, right = width - 8, top = 10, bottom = height - 24;
    const values = runs.flatMap(run => run.log.flatMap(entry => panel.names.map(name => entry.values[name])))
      .filter(value => value !== undefined);
    const bands = runs.flatMap(run => band(run, panel) || []);
    const scale = axis(values, bands);
    chart.note.textContent = panel.about + (scale.wide ? " (logarithmic axis)" : "");
    const first = epochs[0], last = epochs[epochs.length - 1];
    chart.x = epoch => last === first ? (left + right) / 2 : left + (right - left) * (epoch - first) / (last - first);
    const y = value => bottom - (bottom - top) * (scale.to(value) - scale.low) / (scale.high - scale.low);
    const parts = [];
    runs.forEach(run => {
      const edges = band(run, panel);
      if (edges) parts.push(draw("rect", {class: "band", x: left, width: right - left, y: y(edges[1]),
                                          height: Math.max(2, y(edges[0]) - y(edges[1]))}));
    });
    for (const tick of scale.ticks) {
      parts.push(draw("line", {class: "axis", x1: left, x2: right, y1: y(tick), y2: y(tick)}));
      parts.push(draw("text", {x: left - 6, y: y(tick) + 4, "text-anchor": "end"}, number(tick)));
    }
    const step = Math.max(1, Math.ceil(epochs.length * 34 / (right - left)));
    epochs.filter((epoch, i) => i % step === 0).forEach(epoch => parts.push(
      draw("text", {x: chart.x(epoch), y: height - 6, "text-anchor": "middle"}, epoch)));
    runs.forEach((run, i) => panel.names.forEach((name, k) => {
      const points = run.log.filter(entry => entry.values[name] !== undefined)
        .map(entry => [chart.x(entry.epoch), y(entry.values[name])]);
      const colour = COLOURS[(i + (runs.length === 1 ? k : 0)) % COLOURS.length];
      parts.push(draw("polyline", {class: "curve", style: {stroke: colour, strokeDasharray: DASHES[k]},
                                   points: points.map(point => point.join(",")).join(" ")}));
      if (points.length < 40) points.forEach(([cx, cy]) => parts.push(draw("circle", {cx, cy, r: 3, style: {fill: colour}})));
    }));
    chart.mark = draw("line", {class: "mark", y1: top, y2: bottom});
    chart.line = draw("line", {class: "hover", y1: top, y2: bottom, visibility: "hidden"});
    svg.replaceChildren(...parts, chart.mark, chart.line);
    markChart(chart);
  }

  function markChart(chart) {
    if (!chart.mark) return;
    const x = chart.x(epochs[at]);
    set(chart.mark, {x1: x, x2: x});
  }

  function nearestEpoch(chart, event) {
    const x = event.clientX - chart.svg.getBoundingClientRect().left;
    const distances = epochs.map(epoch => Math.abs(chart.x(epoch) - x));
    return distances.indexOf(Math.min(...distances));
  }

  function hover(chart, event) {
    const epoch = epochs[nearestEpoch(chart, event)], lines = [`epoch ${epoch}`], {panel, tip} = chart;
    for (const run of runs) {
      const entry = run.log.find(candidate => candidate.epoch === epoch);
      for (const name of panel.names) {
        const who = [runs.length > 1 ? run.name : "", SHORT[name] || ""].filter(Boolean).join(", ");
        lines.push(`${who ? who + ": " : ""}${number(entry && entry.values[name])}`);
      }
      const edges = band(run, panel);
      if (edges) lines.push(`real: ${number(edges[0])} to ${number(edges[1])}`);
    }
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const x = chart.x(epoch), room = chart.svg.clientWidth;
    set(chart.line, {x1: x, x2: x, visibility: "visible"});
    tip.style.left = `${Math.max(4, x > room / 2 ? x - tip.offsetWidth : x + 24)}px`;
  }

  // Values and facts --------------------------------------------------------------------------------------------------

  function buildLegend() {
    if (runs.length > 1) {
      runs.forEach((run, i) => $("legend").append(make("span", {class: "name"}, swatch(i), run.name)));
      $("legend").append(make("span", {class: "note"},
        "In the first two charts solid is generator and real, dashed is discriminator and generated."));
    } else {
      const names = [["generator, real", 0], ["discriminator, generated", 1]];
      names.forEach(([name, i]) => $("legend").append(make("span", {class: "name"}, swatch(i, i === 1), name)));
    }
  }

  function showValues() {
    const epoch = epochs[at];
    $("values-epoch").textContent = epoch;
    const head = make("tr", {}, make("th", {scope: "col"}, "Measure"),
      ...runs.map(run => make("th", {scope: "col"}, runs.length > 1 ? run.name : "Value")),
      make("th", {scope: "col"}, "Real against real"));
    const rows = panels.flatMap(panel => panel.names.map(name => {
      const title = panel.key ? panel.title : `${panel.title}: ${SHORT[name]}`;
      const cells = runs.map(run => {
        const entry = run.log.find(candidate => candidate.epoch === epoch);
        const value = entry && entry.values[name], edges = band(run, panel);
        if (value === undefined || !edges) return make("td", {class: "number"}, number(value));
        const place = value < edges[0] ? "below" : value > edges[1] ? "above" : "as real";
        return make("td", {class: `number ${place === "as real" ? "inside" : "outside"}`}, `${number(value)} `,
                    make("span", {class: "note"}, place));
      });
      const edges = runs.map(run => band(run, panel)).filter(Boolean)
        .map(([low, high]) => `${number(low)} to ${number(high)}`);
      return make("tr", {}, make("th", {scope: "row"}, title, " ", make("span", {class: "note about"}, panel.about)), ...cells,
                  make("td", {class: "number"}, [...new Set(edges)].join("; ")));
    }));
    $("values").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }

  function buildFacts() {
    runs.forEach((run, i) => {
      const changed = run.settings.filter(setting => setting.differs);
      const row = setting => make("tr", setting.differs ? {class: "differs"} : {},
        make("th", {scope: "row", title: `${setting.help} [${setting.source}]`}, setting.name),
        make("td", {}, String(setting.value),
             ...(setting.differs ? [make("span", {class: "note"}, ` differs: the paper has ${setting.paper}`)] : [])));
      const table = (className, rows) => make("table", {class: className}, make("tbody", {}, ...rows));
      const summary = changed.length
        ? `${changed.length} of ${run.settings.length} settings differ from the paper's` : "All settings are the paper's";
      $("facts").append(make("div", {},
        make("div", {class: "name"}, swatch(i), make("h3", {}, run.name)),
        make("p", {class: "hint"}, summary),
        ...(changed.length ? [table("facts changed", changed.map(row))] : []),
        table("facts", run.facts.map(([name, text]) => make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, text)))),
        make("details", {}, make("summary", {}, "All settings"), table("facts", run.settings.map(row)))));
    });
  }

  // The epoch ---------------------------------------------------------------------------------------------------------

  function go(index) {
    if (!epochs.length) return;
    at = Math.min(epochs.length - 1, Math.max(0, index));
    $("slider").value = at;
    $("slider").setAttribute("aria-valuetext", `epoch ${epochs[at]} of ${epochs[epochs.length - 1]}`);
    $("epoch").textContent = `epoch ${epochs[at]} of ${epochs[epochs.length - 1]}`;
    showGrids();
    markStrips();
    charts.forEach(markChart);
    showValues();
    showLarge();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    $("play").textContent = "Play";
    $("play").setAttribute("aria-pressed", "false");
  }

  function play() {
    if (timer !== null) return stop();
    if (at === epochs.length - 1) go(0);
    $("play").textContent = "Pause";
    $("play").setAttribute("aria-pressed", "true");
    timer = setInterval(() => { if (at >= epochs.length - 1) stop(); else go(at + 1); }, 500);
  }

  $("before").addEventListener("click", () => go(at - 1));
  $("after").addEventListener("click", () => go(at + 1));
  $("play").addEventListener("click", play);
  $("slider").addEventListener("input", () => { stop(); go(Number($("slider").value)); });
  $("seed").addEventListener("change", () => {
    const cell = Math.min(SIDE * SIDE - 1, Math.max(0, Math.round(Number($("seed").value)) || 0));
    chosen = {...chosen, cell};
    buildStrips();
    markStrips();
  });
  document.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input")) return;
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (step) { event.preventDefault(); go(at + step); }
    const other = {ArrowUp: -1, ArrowDown: 1}[event.key];
    if (other && $("large").open) {
      event.preventDefault();
      open(chosen.run, (chosen.cell + other + SIDE * SIDE) % (SIDE * SIDE));
    }
    if (event.key === " " && !event.target.matches("button, summary")) { event.preventDefault(); play(); }
  });

  document.title = `${runs.map(run => run.name).join(" and ")} · training review`;
  $("subtitle").textContent = runs.length > 1
    ? `${runs.length} runs, aligned by epoch: ${runs.map(run => run.name).join(", ")}`
    : `${runs[0].name}. Reload the page to see epochs that have ended since.`;
  $("slider").max = Math.max(0, epochs.length - 1);
  if (!epochs.length) $("epoch").textContent = "no epoch yet";
  buildLegend();
  buildFacts();
  buildStrips();
  go(at);
})();
