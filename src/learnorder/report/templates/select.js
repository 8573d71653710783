"use strict";
// Selecting examples. Everything from data becomes text, never markup; no request is made.
(() => {
  const AT_ONCE = 24;        // cards shown, and added by "Show more"
  const LISTED = 10000;      // ids in the text field; copying and downloading give all
  const SVG = "http://www.w3.org/2000/svg";
  const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const ANY = "any";

  const find = (id) => document.getElementById(id);
  const splits = JSON.parse(find("payload").textContent).splits;
  const form = find("choices");
  const field = (name) => form.elements.namedItem(name);
  const ready = new Map();   // a split's index -> promise of its unpacked columns
  let hits = new Uint32Array(0);
  let source = null;         // the split they are of, whatever the form says meanwhile
  let shown = 0;
  let run = 0;               // an older answer that comes late is dropped

  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;

  function make(tag, text, name) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  }

  function drawn(tag, attributes) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  // Unpacking: done for a split when it is first asked for.

  async function unpack(packed) {
    if (!packed) return null;
    const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer();
    if (packed.type === "json") return JSON.parse(new TextDecoder().decode(buffer));
    return new TYPES[packed.type](buffer);
  }

  async function idsOf(split) {
    if (!split.ids) return null;
    if (split.ids.texts) return unpack(split.ids.texts);
    const ids = await unpack(split.ids.steps);
    for (let i = 1; i < ids.length; i++) ids[i] += ids[i - 1];
    return ids;
  }

  async function placesOf(record) {
    return new Map(Array.from(await unpack(record.positions), (position, i) => [position, i]));
  }

  async function open(split) {
    const tiles = split.tiles && {
      ...split.tiles,
      at: await placesOf(split.tiles),
      sheet: await unpack(split.tiles.sheet),
      place: await unpack(split.tiles.place),
    };
    const texts = split.texts && { at: await placesOf(split.texts), of: await unpack(split.texts.texts) };
    return {
      name: split.name,
      n: split.n,
      classes: split.classes,
      ids: await idsOf(split),
      label: await unpack(split.label),
      columns: await Promise.all(split.columns.map(async (c) => ({ ...c, votes: await unpack(c.data) }))),
      trajectories: await Promise.all(
        split.trajectories.map(async (t) => ({ ...t, counts: await unpack(t.data) }))),
      tiles,
      texts,
    };
  }

  function opened(index) {
    if (!ready.has(index)) ready.set(index, open(splits[index]));
    return ready.get(index);
  }

  // Ids: exactly as they are; one that would not stay in its line is written as a JSON string.

  function idOf(split, i) {
    if (!split.ids) return `position ${i}`;
    const id = String(split.ids[i]);
    return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(id) && !id.startsWith('"') ? id : quoted(id);
  }

  function quoted(text) {
    if (/^[\p{L}\p{N}\p{P}\p{S}\p{M}]+$/u.test(text) && !text.startsWith('"')) return text;
    return JSON.stringify(text).replace(/[^\x20-\x7e]/g,
      (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  }

  const short = (text) => text.length > 80 ? `${[...text.slice(0, 158)].slice(0, 79).join("")}…` : text;

  function list(n) {
    const lines = [];
    for (let k = 0; k < n; k++) lines.push(idOf(source, hits[k]));
    return lines.join("\n") + (n ? "\n" : "");
  }

  // The form.

  function options(select, values, first) {
    const all = first === undefined ? values : [[ANY, first], ...values];
    select.replaceChildren(...all.map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }));
  }

  function offer() {
    const split = splits[Number(field("split").value)];
    options(field("label"), split.label ? split.classes.map((name, k) => [k, name]) : [], "every label");
    const columns = split.columns.map((column, k) => [k, column.name]);
    options(field("a"), columns, "none");
    options(field("b"), columns, "none");
    options(field("order"), columns);
    for (const name of ["a-low", "a-high", "b-low", "b-high"]) field(name).value = "";
  }

  function rangeOf(split, name) {
    const chosen = field(name).value;
    if (chosen === ANY) return null;
    const column = split.columns[Number(chosen)];
    const end = (which, otherwise) => {
      const text = field(`${name}-${which}`).value;
      return text === "" ? otherwise : Number(text) * column.per;
    };
    // A share written with few digits still means the votes nearest to it, and no others.
    const near = Math.min(0.0005 * column.per, 0.49);
    return { votes: column.votes, low: end("low", 0) - near, high: end("high", Infinity) + near };
  }

  function chosenOf(split) {
    const label = field("label").value === ANY ? null : Number(field("label").value);
    const ranges = [rangeOf(split, "a"), rangeOf(split, "b")].filter((range) => range);
    const found = [];
    for (let i = 0; i < split.n; i++) {
      if (label !== null && split.label[i] !== label) continue;
      if (ranges.every((r) => r.votes[i] >= r.low && r.votes[i] <= r.high)) found.push(i);
    }
    return sorted(found, split.columns[Number(field("order").value)], field("way").value === "high");
  }

  function sorted(found, column, descending) {
    if (!column) return Uint32Array.from(found);
    const starts = new Uint32Array(column.most + 2);
    const rank = (i) => descending ? column.most - column.votes[i] : column.votes[i];
    for (const i of found) starts[rank(i) + 1]++;
    for (let k = 1; k < starts.length; k++) starts[k] += starts[k - 1];
    const result = new Uint32Array(found.length);
    for (const i of found) result[starts[rank(i)]++] = i;
    return result;
  }

  async function select() {
    const mine = ++run;
    if (typeof DecompressionStream === "undefined") {
      find("chosen").textContent = "This browser cannot unpack the examples; a current one can.";
      return;
    }
    const split = await opened(Number(field("split").value));
    if (mine !== run) return;
    hits = chosenOf(split);
    source = split;
    shown = 0;
    const examples = `${hits.length.toLocaleString("en")} of ${split.n.toLocaleString("en")} examples`;
    find("chosen").textContent = `${examples} in ${split.name} are selected.`;
    find("cards").replaceChildren();
    for (const id of ["copy", "download"]) find(id).disabled = hits.length === 0;
    find("clear").disabled = false;
    const rest = hits.length > LISTED ? `... and ${(hits.length - LISTED).toLocaleString("en")} more: copy or download all\n` : "";
    find("ids").value = list(Math.min(hits.length, LISTED)) + rest;
    showMore();
  }

  // Cards, built as the page's own are.

  function thumbnail(split, i, words) {
    const at = split.tiles && split.tiles.at.get(i);
    if (at === undefined || at === null) return null;
    const { width, height } = split.tiles;
    const place = split.tiles.place[at];
    const box = `${(place % 32) * width} ${Math.floor(place / 32) * height} ${width} ${height}`;
    const outer = drawn("svg", { class: "thumbnail", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
    const inner = drawn("svg", { width, height, viewBox: box });
    inner.append(drawn("use", { href: `#${split.tiles.sheets[split.tiles.sheet[at]]}` }));
    outer.append(inner);
    return outer;
  }

  function excerpt(split, i) {
    const at = split.texts && split.texts.at.get(i);
    if (at === undefined || at === null) return null;
    const [text, cut] = split.texts.of[at];
    const quote = make("blockquote", text);
    quote.dir = "auto";
    if (cut) quote.append(make("small", "… cut here", "cut"));
    return quote;
  }

  function trajectory(of, split, i) {
    if (of.epochs < 2) return null;
    const share = (e) => of.counts[e * split.n + i] / of.per;
    const points = Array.from({ length: of.epochs },
      (_, e) => `${100 * e / (of.epochs - 1)},${19 - 18 * share(e)}`);
    const words = `TP-agreement in ${of.name} by epoch, from ${share(0).toFixed(2)} to ${share(of.epochs - 1).toFixed(2)}`;
    const line = drawn("svg", { class: "trajectory", viewBox: "0 0 100 20", preserveAspectRatio: "none", role: "img", "aria-label": words });
    line.append(drawn("polyline", { points: points.join(" ") }));
    return line;
  }

  function fact(list, name, value, kind) {
    const row = make("div");
    const text = make("dd", undefined, kind);
    text.append(make("bdi", value));
    row.append(make("dt", name), text);
    list.append(row);
  }

  function card(split, i) {
    const item = make("li", undefined, "card");
    const id = short(idOf(split, i));
    const label = split.label ? split.classes[split.label[i]] : null;
    const words = `Example ${id}` + (label === null ? "" : `, labelled ${label}`);
    const preview = thumbnail(split, i, words) || excerpt(split, i);
    if (preview) item.append(preview);
    for (const of of split.trajectories) {
      const line = trajectory(of, split, i);
      if (line) item.append(line);
    }
    const facts = make("dl");
    if (label !== null) fact(facts, "label", label, "label");
    for (const column of split.columns) fact(facts, column.name, String(Number((column.votes[i] / column.per).toFixed(3))));
    fact(facts, "id", id);
    item.append(facts);
    return item;
  }

  function showMore() {
    const end = Math.min(shown + AT_ONCE, hits.length);
    for (; shown < end; shown++) find("cards").append(card(source, hits[shown]));
    find("more").hidden = shown === hits.length;
  }

  function clear() {
    run++;
    hits = new Uint32Array(0);
    offer();
    find("cards").replaceChildren();
    find("ids").value = "";
    find("chosen").textContent = "Nothing is selected.";
    find("more").hidden = true;
    for (const id of ["copy", "download", "clear"]) find(id).disabled = true;
    unmark();
  }

  function unmark(but) {
    for (const mark of document.querySelectorAll(".mark")) mark.hidden = mark !== but;
  }

  async function copy() {
    const text = list(hits.length);
    const said = `${hits.length.toLocaleString("en")} ids were copied.`;
    try {
      await navigator.clipboard.writeText(text);
      find("chosen").textContent = said;
    } catch {
      const area = find("ids");
      area.closest("details").open = true;
      area.value = text;
      area.select();
      find("chosen").textContent = document.execCommand("copy") ? said : "The browser did not allow copying: the ids are marked in the list below.";
    }
  }

  function download() {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([list(hits.length)], { type: "text/plain" }));
    link.download = "ids.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // Figures whose cells select: a pointer drags over them, arrow keys walk through them.

  function planeOf(figure) {
    const plane = JSON.parse(figure.dataset.plane);
    const split = splits.findIndex((s) => s.name === plane.split);
    if (split < 0) return null;
    const sides = plane.sides.map((side) => ({
      ...side, index: splits[split].columns.findIndex((c) => c.name === side.column) }));
    return sides.every((side) => side.index >= 0) ? { split, sides, box: plane.box } : null;
  }

  function attach(figure) {
    const plane = planeOf(figure);
    if (!plane) return;
    const cells = plane.sides.map((side) => side.cells);
    const area = make("div", undefined, "plane");
    const mark = make("div", undefined, "mark");
    mark.hidden = true;
    area.tabIndex = 0;
    area.setAttribute("role", "application");
    area.setAttribute("aria-label", "Cells that select examples: arrow keys walk, Shift widens, Enter shows");
    const [left, top, width, height] = plane.box;
    Object.assign(area.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%` });
    const said = make("span", undefined, "said");
    said.setAttribute("role", "status");
    area.append(mark, said);
    figure.querySelector(".drawing").append(area);

    let anchor = null;       // the cell where a selection began, [across, up]
    let reach = null;        // the one it reaches to
    const ends = (k) => [Math.min(anchor[k], reach[k]), Math.max(anchor[k], reach[k])];

    function values(k) {
      const { index, step } = plane.sides[k];
      const { per } = splits[plane.split].columns[index];
      const digits = Math.max(4, Math.ceil(Math.log10(per)) + 1);
      return [ends(k)[0] * step, (ends(k)[1] + 1) * step - 1].map((votes) => Number((votes / per).toFixed(digits)));
    }

    function outline() {
      const [[x0, x1], [y0, y1]] = [ends(0), ends(1)];
      mark.hidden = false;
      Object.assign(mark.style, {
        left: `${100 * x0 / cells[0]}%`, width: `${100 * (x1 - x0 + 1) / cells[0]}%`,
        bottom: `${100 * y0 / cells[1]}%`, height: `${100 * (y1 - y0 + 1) / cells[1]}%` });
    }

    function cellAt(event) {
      const frame = area.getBoundingClientRect();
      const inside = (share, n) => Math.max(0, Math.min(n - 1, Math.floor(share * n)));
      return [inside((event.clientX - frame.left) / frame.width, cells[0]),
        inside(1 - (event.clientY - frame.top) / frame.height, cells[1])];
    }

    async function choose() {
      unmark(mark);
      field("split").value = plane.split;
      offer();
      ["a", "b"].forEach((name, k) => {
        field(name).value = plane.sides[k].index;
        [field(`${name}-low`).value, field(`${name}-high`).value] = values(k);
      });
      field("order").value = plane.sides[0].index;
      await select();
      find("chosen").focus({ preventScroll: true });
      find("select").scrollIntoView({ block: "start" });
    }

    area.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      area.focus({ preventScroll: true });
      area.setPointerCapture(event.pointerId);
      anchor = reach = cellAt(event);
      outline();
    });
    area.addEventListener("pointermove", (event) => {
      if (!area.hasPointerCapture(event.pointerId)) return;
      reach = cellAt(event);
      outline();
    });
    area.addEventListener("pointerup", (event) => {
      if (!area.hasPointerCapture(event.pointerId)) return;
      area.releasePointerCapture(event.pointerId);
      choose();
    });
    area.addEventListener("pointercancel", () => {  // a finger that scrolls the page
      anchor = reach = null;
      mark.hidden = true;
    });
    area.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (step) {
        reach = reach ? reach.map((v, k) => Math.max(0, Math.min(cells[k] - 1, v + step[k]))) : [0, 0];
        if (!event.shiftKey || !anchor) anchor = reach;
        outline();
        said.textContent = plane.sides.map((side, k) => `${side.column}: ${values(k).join(" to ")}`).join("; ");
      } else if (event.key === "Enter" && reach) {
        choose();
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  options(field("split"), splits.map((split, k) => [k, split.name]));
  offer();
  form.addEventListener("change", (event) => {
    if (event.target === field("split")) offer();
    unmark();
    select();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  find("more").addEventListener("click", showMore);
  find("copy").addEventListener("click", copy);
  find("download").addEventListener("click", download);
  find("clear").addEventListener("click", clear);
  document.querySelectorAll("figure[data-plane]").forEach(attach);
  find("cells").hidden = !document.querySelector(".plane");  // values that did not fit have none
})();
