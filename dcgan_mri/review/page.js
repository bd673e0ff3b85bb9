"use strict";
(() => {
  const COLUMNS = 10, IMAGES = 100;
  const {epochs, start, xs, verdicts, nearer, marks, cells, runs} = JSON.parse(document.getElementById("data").textContent);
  const $ = id => document.getElementById(id);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const clamp = (value, last) => Math.min(last, Math.max(0, value));
  let at = start, chosen = 0, timer = null;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") element.onclick = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // A small picture's address, made once: a thousand cells may show parts of one.
  const addresses = new WeakMap();
  function address(holder) {
    if (!addresses.has(holder)) {
      const bytes = Uint8Array.from(atob(holder.thumbnail), character => character.charCodeAt(0));
      addresses.set(holder, URL.createObjectURL(new Blob([bytes], {type: "image/webp"})));
    }
    return addresses.get(holder);
  }

  // One image of a grid as the background of an element; first from the small picture, then from the file.
  function showCell(element, grid, cell, url = address(grid)) {
    const [left, top, side, gap, width, height] = grid.layout;
    const x = left + cell % COLUMNS * (side + gap), y = top + Math.floor(cell / COLUMNS) * (side + gap);
    element.style.backgroundImage = `url("${url}")`;
    element.style.backgroundSize = `${100 * width / side}% ${100 * height / side}%`;
    element.style.backgroundPosition = `${100 * x / (width - side)}% ${100 * y / (height - side)}%`;
  }

  function whenLoaded(link, then) {
    if (!link || location.protocol !== "file:") return;  // Over a network it would be many megabytes.
    const image = new Image();
    image.onload = () => then(link);
    image.src = link;
  }

  const views = all(".run .cells").map((cells, i) => {
    for (let cell = 0; cell < IMAGES; cell++) {
      cells.append(make("button", {type: "button", tabindex: cell ? -1 : 0, "aria-label": `Image ${cell}`,
                                   onclick: () => open(cell)}));
    }
    cells.addEventListener("keydown", event => {
      const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS}[event.key];
      const here = [...cells.children].indexOf(document.activeElement);
      if (!step || here < 0) return;
      event.preventDefault();
      event.stopPropagation();
      focusCell(i, clamp(here + step, IMAGES - 1));
    });
    return {cells, image: cells.parentNode.querySelector("img"), none: cells.parentNode.querySelector(".none"),
            note: cells.closest(".run").querySelector(".note")};
  });

  function focusCell(i, cell) {
    [...views[i].cells.children].forEach((button, k) => { button.tabIndex = k === cell ? 0 : -1; });
    views[i].cells.children[cell].focus();
  }

  let rest = null;
  function showGrids() {
    const epoch = epochs[at];
    runs.forEach((run, i) => {
      const grid = run.grids[epoch], {image, none, cells, note} = views[i];
      none.hidden = Boolean(grid);
      image.hidden = cells.hidden = !grid;
      const wrong = marks.filter(mark => mark.run === i && mark.epoch === epoch && !mark.best);
      note.textContent = [`epoch ${epoch}${grid ? grid.tint : ""}`, ...wrong.map(mark => mark.text)].join("; ");
      if (!grid) return;
      const [left, top, side, gap, width, height] = grid.layout, inside = COLUMNS * side + (COLUMNS - 1) * gap;
      image.src = address(grid);
      image.alt = `100 generated images, ${run.name}, epoch ${epoch}`;
      Object.assign(cells.style, {left: `${100 * left / width}%`, top: `${100 * top / height}%`,
                                  width: `${100 * inside / width}%`, height: `${100 * inside / height}%`});
      image.parentNode.style.aspectRatio = `${width} / ${height}`;
    });
    clearTimeout(rest);
    rest = setTimeout(() => runs.forEach((run, i) => {
      const grid = run.grids[epoch];
      if (grid) whenLoaded(grid.link, link => { if (epochs[at] === epoch) views[i].image.src = link; });
    }), 400);
  }

  function showValues() {
    for (const element of all("[data-row]")) {
      [element.textContent, element.className] = cells[element.dataset.row][element.dataset.run][at];
    }
    for (const element of all("[data-verdict]")) {
      const verdict = verdicts[element.dataset.verdict][at];
      element.hidden = !verdict;
      for (const part of verdict ? all("[data-part]", element) : []) part.textContent = verdict[part.dataset.part];
      if (verdict) element.className = `kid ${verdict.place}`;
    }
    if ($("nearer")) $("nearer").textContent = nearer[at];
    if ($("values-epoch")) $("values-epoch").textContent = epochs[at];
    for (const mark of all(".mark")) { mark.setAttribute("x1", xs[at]); mark.setAttribute("x2", xs[at]); }
  }

  for (const svg of all(".chart svg")) {
    svg.onclick = event => {
      const box = svg.getBoundingClientRect();
      const away = xs.map(x => Math.abs(x - (event.clientX - box.left) * 440 / box.width));
      stop();
      go(away.indexOf(Math.min(...away)));
    };
  }

  // One image, large ------------------------------------------------------------------------------------------------

  function open(cell) {
    stop();
    chosen = cell;
    if (!$("large").open) $("large").showModal();
    showLarge();
  }

  function picture(label, show, ...caption) {
    const box = make("div", {class: "picture", role: "img", "aria-label": label});
    show(box);
    return make("figure", {}, box, make("figcaption", {}, ...caption));
  }

  function showLarge() {
    if (!$("large").open) return;
    const epoch = epochs[at], cell = chosen;
    const scrolled = all(".strip").map(strip => strip.scrollLeft);
    $("large-title").textContent = `Image ${cell}, epoch ${epoch}`;
    $("pairs").replaceChildren(...runs.map((run, i) => {
      const grid = run.grids[epoch], name = runs.length > 1 ? make("h3", {}, run.name) : "";
      if (!grid) return make("section", {}, name, make("p", {}, "no images for this epoch"), strip(run, cell));
      const own = picture(`Generated image ${cell} of epoch ${epoch}`, box => {
        showCell(box, grid, cell);
        whenLoaded(grid.link, link => showCell(box, grid, cell, link));
      }, `generated, seed ${cell}`);
      const near = (grid.nearest ? grid.nearest[cell] : []).map((index, k) => {
        const slice = run.slices[index], whole = url => box => { box.style.backgroundImage = `url("${url}")`; };
        return picture(`Real slice ${slice.name}`, box => {
          whole(address(slice))(box);
          whenLoaded(slice.link, link => whole(link)(box));
        }, `real, ${grid.distance[cell][k]} away: ${slice.name.replace(/\.png$/, "")}`);
      });
      return make("section", {}, name, make("div", {class: "pair"}, own, make("div", {},
        make("div", {class: "nearest"}, ...near), distanceScale(run, grid, cell))), strip(run, cell));
    }));
    all(".strip").forEach((strip, i) => {
      const here = strip.querySelector("[aria-current=true]");
      strip.scrollLeft = scrolled[i] || 0;
      if (here) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.clientWidth) / 2;
    });
  }

  // How near the nearest real slice is, on the scale of how near real slices of different subjects are.
  function distanceScale(run, grid, cell) {
    if (!grid.nearest) {
      return make("p", {class: "hint"}, "The real slices were not found when this page was written; name them by --dataset.");
    }
    const distance = grid.distance[cell][0], between = run.between;
    const unit = "grey levels away (compared at 32×32 pixels)";
    if (!between) {
      return make("p", {class: "hint"}, `The nearest real slice is ${distance} ${unit}. With one subject there is no scale for that.`);
    }
    const end = 1.25 * Math.max(between.high, distance), share = value => 100 * value / end;
    const verdict = distance < between.copy ? "nearer than 99 of 100 real slices come to one of another subject: perhaps a copy"
      : distance > between.high ? "farther than real slices are from one another" : "as near as real slices of different subjects";
    return make("div", {class: "distance"},
      make("div", {class: "scale", "aria-hidden": "true"},
           make("i", {style: `left: ${share(between.low)}%; width: ${share(between.high - between.low)}%`}),
           make("b", {style: `left: ${share(distance)}%`})),
      make("p", {class: "hint"}, `The nearest real slice is ${distance} ${unit}: ${verdict}. `
        + `9 of 10 real slices are ${between.low} to ${between.high} from the nearest one of another subject (green).`));
  }

  function strip(run, cell) {
    return make("div", {class: "strip", role: "group", "aria-label": `Image ${cell} of ${run.name} in each epoch`},
      ...Object.entries(run.grids).map(([epoch, grid]) => {
        const box = make("div", {class: "cell"});
        showCell(box, grid, cell);
        return make("button", {type: "button", "data-epoch": epoch, "aria-label": `Epoch ${epoch}`,
                               "aria-current": String(Number(epoch) === epochs[at]),
                               onclick: () => go(epochs.indexOf(Number(epoch)))}, box, epoch);
      }));
  }

  $("previous").onclick = () => open((chosen + IMAGES - 1) % IMAGES);
  $("next").onclick = () => open((chosen + 1) % IMAGES);
  $("close").onclick = () => $("large").close();
  $("large").onclick = event => { if (event.target === $("large")) $("large").close(); };
  $("large").onclose = () => focusCell(Math.max(0, runs.findIndex(run => run.grids[epochs[at]])), chosen);

  // The epoch ---------------------------------------------------------------------------------------------------------

  function go(index) {
    if (!epochs.length) return;
    at = clamp(index, epochs.length - 1);
    const text = `epoch ${epochs[at]}`;
    $("slider").value = at;
    $("slider").setAttribute("aria-valuetext", text);
    $("epoch").textContent = text;
    showGrids();
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

  $("before").onclick = () => { stop(); go(at - 1); };
  $("after").onclick = () => { stop(); go(at + 1); };
  $("play").onclick = play;
  $("slider").oninput = () => { stop(); go(Number($("slider").value)); };
  for (const button of all(".to-best")) button.onclick = () => { stop(); go(epochs.indexOf(Number(button.dataset.epoch))); };
  document.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, .scroll")) return;
    const large = $("large").open;
    const actions = large
      ? {ArrowLeft: $("previous").onclick, ArrowRight: $("next").onclick, ArrowUp: $("after").onclick, ArrowDown: $("before").onclick}
      : {ArrowLeft: $("before").onclick, ArrowRight: $("after").onclick, " ": event.target.matches("button, summary") ? null : play};
    if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
  });

  // The page was written at the end of an epoch; whether the run still goes on shows only when it is looked at.
  function showAges() {
    for (const status of all("[data-time]")) {
      const age = Math.max(0, Date.now() / 1000 - status.dataset.time);
      const [size, unit] = [[86400, "days"], [3600, "h"], [60, "min"], [1, "s"]].find(([size]) => age >= 2 * size) || [1, "s"];
      status.querySelector("time").textContent = `${Math.round(age / size)} ${unit} ago`;
      if (!(age > status.dataset.patience)) continue;
      status.querySelector(".state").textContent = "Stalled or stopped";
      status.querySelector(".state").className = "state bad";
      if (status.querySelector(".left")) status.querySelector(".left").hidden = true;
    }
  }

  // A phone's first screens are for the pictures.
  if (matchMedia("(max-width: 600px)").matches) for (const details of all("details.wide")) details.open = false;
  showAges();
  setInterval(showAges, 10000);
  go(at);
})();
