// Charts and table of the working point. The curves are in the page; nothing is fetched.
"use strict";
(() => {
  const source = document.getElementById("wp-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const find = (id) => document.getElementById("wp-" + id);
  const [signalBox, point, table, charts] = ["signal", "point", "table", "charts"].map(find);
  const radio = (name) => document.querySelector(`input[name="wp-${name}"]:checked`).value;
  const element = (tag, text = "", kind = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  // A fixed name for a formula, never a text of a file.
  const formula = (tag, markup) => Object.assign(element(tag), { innerHTML: markup });
  const hidden = new Set();
  const shown = { s: 0.2, b: 0.01 };

  // ---- the numbers -------------------------------------------------------------------------

  /** Values of a curve at a signal efficiency, linear between its points. */
  function atSignal(curve, s) {
    let i = curve.s.findIndex((value) => value >= s - 1e-9);
    if (i < 0) i = curve.s.length - 1;
    const j = Math.max(i - 1, 0), width = curve.s[i] - curve.s[j];
    const t = width > 0 ? Math.min(Math.max((s - curve.s[j]) / width, 0), 1) : 1;
    const mix = (v) => (v[i] === null || v[j] === null ? v[i] : v[j] + t * (v[i] - v[j]));
    const [b, low, high] = [mix(curve.b), mix(curve.low), mix(curve.high)];
    return {
      s, b, n: b * curve.n, sError: null,
      bError: half(low, high),
      rejection: b > 0 ? 1 / b : null, bound: curve.bound,
      rejectionError: low > 0 && high > 0 ? half(1 / high, 1 / low) : null,
      improvement: b > 0 ? s / Math.sqrt(b) : null,
      improvementError: low > 0 && high > 0 ? half(s / Math.sqrt(high), s / Math.sqrt(low)) : null,
    };
  }

  /** Values of a curve at a background efficiency: the largest signal efficiency below it. */
  function atBackground(curve, b) {
    const s = inverse(curve.s, curve.b, b);
    if (s === null) return { s, smallest: curve.s[0], b, n: b * curve.n, rejection: 1 / b };
    const sError = half(inverse(curve.s, curve.high, b), inverse(curve.s, curve.low, b));
    return {
      s, sError, b, bError: null, n: b * curve.n,
      rejection: 1 / b, rejectionError: null,
      improvement: s / Math.sqrt(b), improvementError: sError && sError / Math.sqrt(b),
    };
  }

  function inverse(s, b, wanted) {
    const above = b.findIndex((value) => value !== null && value > wanted * (1 + 1e-9));
    if (above < 0) return s[s.length - 1];
    if (above === 0 || b[above - 1] === null) return null;
    const t = (wanted - b[above - 1]) / (b[above] - b[above - 1]);
    return s[above - 1] + t * (s[above] - s[above - 1]);
  }

  const half = (low, high) => (low === null || high === null ? null : (high - low) / 2);
  const values = (curve) =>
    radio("fixed") === "signal" ? atSignal(curve, shown.s) : atBackground(curve, shown.b);

  /** Value ± error, rounded to two digits of the error, as in the other tables. */
  function text(value, error, atMost = 12) {
    if (value === null || value === undefined) return "–";
    if (!error) return String(Number(value.toPrecision(4)));
    const decimals = Math.min(Math.max(0, 1 - Math.floor(Math.log10(error))), atMost);
    return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`;
  }

  function cells(v) {
    const rejection = v.rejection === null && v.bound
      ? `> ${Number(v.bound.toPrecision(3))}` : text(v.rejection, v.rejectionError);
    const s = v.s === null ? `< ${v.smallest}` : text(v.s, v.sError);
    return [s, text(v.b, v.bError), rejection, text(v.improvement, v.improvementError),
      v.n < 10 ? v.n.toFixed(1) : v.n.toFixed(0)];
  }

  // ---- the charts --------------------------------------------------------------------------

  const W = 560, H = 400, LEFT = 82, RIGHT = 14, TOP = 12, BOTTOM = 50;
  const x = (s) => LEFT + s * (W - LEFT - RIGHT);
  const drawn = (curve, i) => curve.b[i] > 0 && curve.b[i] * curve.n >= data.few;
  const height = (s, b) => (radio("drawn") === "rejection" ? 1 / b : s / Math.sqrt(b));
  const visible = (signal) => signal.scores.filter((score) => !hidden.has(score.name));

  /** One scale for the charts of a signal, so that their columns can be compared. */
  function scale(signal) {
    const rejection = radio("drawn") === "rejection";
    let top = rejection ? 10 : 1.5;
    for (const { curves } of signal.scores)
      for (const curve of curves)
        if (curve) curve.s.forEach((s, i) => {
          if (drawn(curve, i)) top = Math.max(top, height(s, curve.b[i]));
        });
    top *= rejection ? 1.5 : 1.1;
    const share = (v) => (rejection ? Math.log(Math.max(v, 1)) / Math.log(top) : v / top);
    const y = (v) => H - BOTTOM - Math.min(share(v), 1) * (H - TOP - BOTTOM);
    const ticks = [];
    if (rejection) for (let v = 1; v <= top; v *= 10) ticks.push(v);
    else {
      const step = [0.5, 1, 2, 5, 10, 20, 50].find((one) => top / one <= 6) || 100;
      for (let v = 0; v <= top; v += step) ticks.push(v);
    }
    return { y, ticks };
  }

  /** The inside of a chart. Only numbers and colours of ours stand in it. */
  function paint(signal, column) {
    const { y, ticks } = scale(signal), parts = [];
    for (let s = 0; s <= 1.001; s += 0.2)
      parts.push(`<line class="grid" x1="${x(s)}" x2="${x(s)}" y1="${TOP}" y2="${H - BOTTOM}"/>` +
        `<text x="${x(s)}" y="${H - BOTTOM + 20}" text-anchor="middle">${s.toFixed(1)}</text>`);
    for (const v of ticks)
      parts.push(`<line class="grid" x1="${LEFT}" x2="${W - RIGHT}" y1="${y(v)}" y2="${y(v)}"/>` +
        `<text x="${LEFT - 8}" y="${y(v) + 5}" text-anchor="end">${v}</text>`);
    const small = (name, index) => `${name}<tspan class="small" dy="4">${index}</tspan>`;
    const label = radio("drawn") === "rejection"
      ? `background rejection 1/${small("ε", "B")}`
      : `significance improvement ${small("ε", "S")}<tspan dy="-4">/√ε</tspan>` +
        `<tspan class="small" dy="4">B</tspan>`;
    const middle = (H - BOTTOM + TOP) / 2;
    parts.push(`<text x="${(W + LEFT - RIGHT) / 2}" y="${H - 10}" text-anchor="middle">` +
      `signal efficiency ${small("ε", "S")}</text>`,
    `<text transform="translate(18 ${middle}) rotate(-90)" text-anchor="middle">${label}</text>`);
    const dots = [];
    for (const { name, curves } of visible(signal)) {
      const curve = curves[column], { color, dash } = data.scores[name];
      if (!curve) continue;
      const line = [], upper = [], lower = [];
      curve.s.forEach((s, i) => {
        if (!drawn(curve, i)) return;
        line.push(`${x(s).toFixed(1)},${y(height(s, curve.b[i])).toFixed(1)}`);
        if (curve.low[i] > 0 && curve.high[i] > 0) {
          upper.push(`${x(s).toFixed(1)},${y(height(s, curve.low[i])).toFixed(1)}`);
          lower.unshift(`${x(s).toFixed(1)},${y(height(s, curve.high[i])).toFixed(1)}`);
        }
      });
      parts.push(`<polygon points="${[...upper, ...lower].join(" ")}" fill="${color}"/>`,
        `<polyline points="${line.join(" ")}" stroke="${color}" stroke-dasharray="${dash}"/>`);
      const v = values(curve);
      if (v.s !== null && v.b > 0 && v.n >= data.few)
        dots.push(`<circle r="5" cx="${x(v.s)}" cy="${y(height(v.s, v.b))}" fill="${color}"/>`);
    }
    if (radio("fixed") === "signal")
      parts.push(`<line class="mark" x1="${x(shown.s)}" x2="${x(shown.s)}" ` +
        `y1="${TOP}" y2="${H - BOTTOM}"/>`);
    else if (radio("drawn") === "rejection")
      parts.push(`<line class="mark" x1="${LEFT}" x2="${W - RIGHT}" ` +
        `y1="${y(1 / shown.b)}" y2="${y(1 / shown.b)}"/>`);
    parts.push(`<rect class="frame" x="${LEFT}" y="${TOP}" width="${W - LEFT - RIGHT}" ` +
      `height="${H - TOP - BOTTOM}"/>`);
    return parts.join("") + dots.join("");
  }

  function chart(column) {
    const figure = element("figure", "", "chart"), tip = element("div", "", "tip");
    const caption = element("figcaption");
    // An SVG inside HTML, so that no address of its language is needed.
    figure.innerHTML = `<svg viewBox="0 0 ${W} ${H}" role="img"></svg>`;
    const svg = figure.firstChild;
    tip.hidden = true;
    figure.append(tip, caption);
    const efficiency = (event) => {
      const box = svg.getBoundingClientRect();
      const s = (((event.clientX - box.left) / box.width) * W - LEFT) / (W - LEFT - RIGHT);
      return Math.min(Math.max(Math.round(100 * s) / 100, 0.01), 1);
    };
    svg.addEventListener("pointermove", (event) => {
      const s = efficiency(event), box = svg.getBoundingClientRect();
      const rows = visible(signal())
        .filter(({ curves }) => curves[column])
        .map(({ name, curves }) => ({ name, v: atSignal(curves[column], s) }))
        .sort((a, b) => a.v.b - b.v.b);
      tip.replaceChildren(formula("strong", `ε<sub>S</sub> = ${s.toFixed(2)}`));
      for (const { name, v } of rows.slice(0, 14)) {
        const line = element("div", data.scores[name].title + ": ");
        line.prepend(swatch(name));
        line.append(element("b", cells(v)[radio("drawn") === "rejection" ? 2 : 3]));
        tip.append(line);
      }
      tip.hidden = false;
      const left = event.clientX - box.left;
      tip.style.left = left > box.width / 2 ? "auto" : `${left + 14}px`;
      tip.style.right = left > box.width / 2 ? `${box.width - left + 14}px` : "auto";
    });
    svg.addEventListener("pointerleave", () => { tip.hidden = true; });
    svg.addEventListener("click", (event) => {
      document.querySelector('input[name="wp-fixed"][value="signal"]').checked = true;
      shown.s = efficiency(event);
      fixed();
    });
    charts.append(figure);
    return () => {
      const title = `${signal().title}, ${data.columns[column]}`;
      svg.innerHTML = paint(signal(), column);
      svg.setAttribute("aria-label", `ROC curves of signal ${title}; their values at the working ` +
        "point are in the table below");
      caption.textContent = data.selection ? `${title}; ${data.selection}` : title;
    };
  }

  // ---- the table ---------------------------------------------------------------------------

  const signal = () => data.signals[signalBox.value];

  /** A piece of the line of a score. */
  function swatch(name) {
    const made = element("span", "", "swatch"), { color, dash } = data.scores[name];
    made.innerHTML = `<svg viewBox="0 0 30 8" aria-hidden="true"><line x1="0" x2="30" y1="4" ` +
      `y2="4" stroke="${color}" stroke-width="3" stroke-dasharray="${dash}"/></svg>`;
    return made;
  }

  /** A title that may be broken after its underscores. */
  function words(title) {
    const made = element("span");
    title.split(/(?<=_)/).forEach((part, i) => made.append(...(i ? [element("wbr")] : []), part));
    return made;
  }

  function head() {
    const top = element("tr"), below = element("tr");
    top.append(element("td"));
    below.append(element("th", "score"));
    for (const title of data.columns) {
      const cell = element("th", title, "group");
      cell.colSpan = 5;
      cell.scope = "colgroup";
      top.append(cell);
      for (const markup of ["ε<sub>S</sub>", "ε<sub>B</sub>", "1/ε<sub>B</sub>",
        "ε<sub>S</sub>/√ε<sub>B</sub>", "jets"])
        below.append(formula("th", markup));
    }
    for (const cell of below.children) cell.scope = "col";
    const made = element("thead");
    made.append(top, below);
    return made;
  }

  /** The rows; the boxes show and hide the curves. */
  function body() {
    const made = element("tbody");
    for (const { name, curves } of signal().scores) {
      const { title, baseline } = data.scores[name];
      const row = element("tr", "", baseline ? "is-baseline" : ""), first = element("th");
      const label = element("label"), box = element("input");
      box.type = "checkbox";
      box.checked = !hidden.has(name);
      box.setAttribute("aria-label", `draw ${title}`);
      box.addEventListener("change", () => {
        box.checked ? hidden.delete(name) : hidden.add(name);
        paintAll();
      });
      label.append(box, swatch(name), words(title));
      first.scope = "row";
      first.append(label);
      if (baseline) first.append(" ", element("span", "yardstick", "baseline"));
      row.append(first);
      data.columns.forEach((_, column) => {
        const v = curves[column] && values(curves[column]);
        for (const cell of v ? cells(v) : Array(5).fill("–"))
          row.append(element("td", cell, v && v.n < data.few ? "few" : ""));
      });
      made.append(row);
    }
    return made;
  }

  // ---- what changes what -------------------------------------------------------------------

  let painters = [];
  const paintAll = () => painters.forEach((one) => one());

  /** The slider as it is for the efficiency that is fixed. */
  function fixed() {
    const isSignal = radio("fixed") === "signal";
    const n = Math.max(...data.signals.flatMap((one) =>
      one.scores.flatMap(({ curves }) => curves.map((curve) => (curve ? curve.n : 0)))));
    const lowest = Math.min(Math.ceil(10 * Math.log10(data.few / n)) / 10, -0.1);
    [point.min, point.max, point.step] = isSignal ? [0.01, 1, 0.01] : [lowest, 0, 0.1];
    point.value = isSignal ? shown.s : Math.max(Math.log10(shown.b), lowest);
    find("what").innerHTML = isSignal
      ? "signal efficiency ε<sub>S</sub>" : "background efficiency ε<sub>B</sub>";
    moved();
  }

  function moved() {
    const isSignal = radio("fixed") === "signal";
    if (isSignal) shown.s = Number(point.value);
    else shown.b = 10 ** Number(point.value);
    const value = isSignal ? shown.s.toFixed(2) : String(Number(shown.b.toPrecision(2)));
    find("value").textContent = value;
    point.setAttribute("aria-valuetext", `${isSignal ? "ε_S" : "ε_B"} = ${value}`);
    table.tBodies[0].replaceWith(body());
    paintAll();
  }

  data.signals.forEach(({ title }, i) => signalBox.append(new Option(title, i)));
  signalBox.parentElement.hidden = data.signals.length < 2;
  table.append(element("caption", "Figures of merit at the working point"), head(),
    element("tbody"));
  painters = data.columns.map((_, column) => chart(column));
  signalBox.addEventListener("change", moved);
  point.addEventListener("input", moved);
  document.querySelectorAll('input[name="wp-fixed"]').forEach((one) =>
    one.addEventListener("change", fixed));
  document.querySelectorAll('input[name="wp-drawn"]').forEach((one) =>
    one.addEventListener("change", paintAll));
  document.getElementById("working-point-panel").hidden = false;
  fixed();
})();
