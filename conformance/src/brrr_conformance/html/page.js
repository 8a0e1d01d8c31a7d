// SPDX-License-Identifier: AGPL-3.0-only
// What moves on the page: theme, filters, keys, and the panel that a cell opens.
// Text goes in as text nodes only; nothing here writes HTML.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const looks = {
  "passed": ["✓", "pass"],
  "not implemented": ["○", "none"],
  "known deviation": ["≈", "known"],
  "failed": ["✗", "fail"],
  "timed out": ["◷", "fail"],
  "crashed": ["✸", "fail"],
  "harness error": ["!", "harness"],
};

// Makes an element: attributes, then children; strings become text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((each) => each !== null));
  return element;
}

function chip(status, text = "") {
  const [sign, look] = looks[status];
  return make("span", { class: `chip ${look}` }, make("i", { "aria-hidden": "true" }, sign), text === "" ? "" : make("span", {}, text));
}

// ---- theme -------------------------------------------------------------------

const themes = ["system", "light", "dark"];

function remembered() {
  try { return localStorage.getItem("brrr-theme") ?? "system"; } catch { return "system"; }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").querySelector("span").textContent = theme;
  try { localStorage.setItem("brrr-theme", theme); } catch { /* a file may have no storage */ }
}

$("theme").hidden = false;
$("theme").addEventListener("click", () => {
  setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
});
setTheme(themes.includes(remembered()) ? remembered() : "system");

// ---- filters -----------------------------------------------------------------

const grid = $("grid");
const form = document.querySelector(".filters");
const rows = [...grid.querySelectorAll("tr[id]")];
const haystack = new Map(rows.map((row) => {
  const found = [row.textContent, data.specs[row.id]?.[2] ?? ""];
  for (const [results] of data.cells[row.id]) {
    for (const each of results) found.push(...data.cases[data.results[each][0]].slice(0, 2));
  }
  return [row, found.join(" ").toLowerCase()];
}));

function wanted(row, columns) {
  const chapter = $("chapter").value, level = $("level").value;
  const profile = $("profile").value, status = $("status").value;
  if (chapter && row.parentElement.dataset.chapter !== chapter) return false;
  if (level && row.dataset.level !== level) return false;
  if (profile && !row.dataset.profiles.split(" ").includes(profile)) return false;
  if (status) {
    const held = columns.map((at) => row.cells[at + 1].dataset.status).filter(Boolean);
    if (!held.some((it) => (status === "not passed" ? it !== "passed" : it === status))) return false;
  }
  const words = $("search").value.toLowerCase().split(/\s+/);
  return words.every((word) => haystack.get(row).includes(word));
}

function filter() {
  const boxes = [...form.querySelectorAll("input[name=column]")];
  const columns = boxes.filter((box) => box.checked).map((box) => Number(box.value));
  for (const row of grid.rows) {
    for (const box of boxes) {
      const cell = row.cells[Number(box.value) + 1];
      if (cell) cell.hidden = !box.checked;
    }
  }
  let shown = 0;
  for (const row of rows) {
    row.hidden = !wanted(row, columns);
    shown += !row.hidden;
  }
  for (const part of grid.tBodies) part.hidden = ![...part.rows].some((row) => row.id && !row.hidden);
  $("found").textContent = shown === rows.length ? `${shown} requirements` : `${shown} of ${rows.length} requirements`;
  $("clear").hidden = shown === rows.length && columns.length === boxes.length;
  $("empty").hidden = shown > 0;
  if (!current || current.hidden || current.parentElement.hidden) setCurrent(cellsOf(visibleRows()[0])[0]);
}

const visibleRows = () => rows.filter((row) => !row.hidden);
const cellsOf = (row) => (row ? [...row.cells].filter((cell) => !cell.hidden) : []);

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
const clear = () => { form.reset(); filter(); };
$("clear").addEventListener("click", clear);
$("empty").querySelector("button").addEventListener("click", clear);
const wide = matchMedia("(min-width: 44rem)");
const setMore = () => { $("more").open = wide.matches; };
wide.addEventListener("change", setMore);
setMore();
const setBar = () => grid.style.setProperty("--bar", `${form.offsetHeight - 1}px`);
new ResizeObserver(setBar).observe(form);

// ---- keys --------------------------------------------------------------------

let current = null;  // the cell that Tab comes to

function setCurrent(cell, focus = false) {
  if (!cell) return;
  current?.setAttribute("tabindex", "-1");
  current = cell;
  cell.setAttribute("tabindex", "0");
  if (focus) {
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest" });
  }
}

function move(rowStep, cellStep) {
  const shown = visibleRows();
  const row = current.parentElement, cells = cellsOf(row);
  const y = Math.max(0, Math.min(shown.length - 1, shown.indexOf(row) + rowStep));
  const x = Math.max(0, Math.min(cells.length - 1, cells.indexOf(current) + cellStep));
  setCurrent(cellsOf(shown[y])[x], true);
}

const moves = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity],
};

grid.addEventListener("keydown", (event) => {
  const cell = event.target.closest("td, th[scope=row]");
  if (!cell || event.altKey || event.metaKey) return;
  if (event.ctrlKey && (event.key === "Home" || event.key === "End")) {
    move(event.key === "Home" ? -Infinity : Infinity, 0);
  } else if (event.ctrlKey) {
    return;
  } else if (moves[event.key]) {
    move(...moves[event.key]);
  } else if (event.key === "Enter" || event.key === " ") {
    openCell(cell);
  } else {
    return;
  }
  event.preventDefault();
});
grid.addEventListener("click", (event) => {
  const cell = event.target.closest("tr[id] > *");
  if (!cell) return;
  setCurrent(cell, true);
  openCell(cell);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !panel.open && !event.target.closest("input, select, textarea")) {
    event.preventDefault();
    $("search").focus();
  }
});
for (const row of rows) for (const cell of row.cells) cell.setAttribute("tabindex", "-1");

// ---- the panel ---------------------------------------------------------------

const panel = $("panel");
let back = null;  // what is focused again when it closes

function openCell(cell) {
  const at = cell.cellIndex - 1;
  location.hash = at < 0 ? cell.parentElement.id : `${cell.parentElement.id}/${data.columns[at]}`;
}

// #SCHED-12 or #SCHED-12/tiny
function follow() {
  let id = "", column = "";
  try { [id, column] = decodeURIComponent(location.hash.slice(1)).split("/"); } catch { /* no link of ours */ }
  if (!Object.hasOwn(data.cells, id)) {
    if (panel.open) panel.close();
    return;
  }
  let at = data.columns.indexOf(column);
  if (at < 0) at = worstColumn(id);
  if (!panel.open) back = document.activeElement;
  fill(id, at);
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  const row = $(id);
  if (!row.hidden) setCurrent(row.cells[column ? at + 1 : 0]);
}

function worstColumn(id) {
  const rank = data.cells[id].map(([results]) => Math.max(-1, ...results.map((each) => data.results[each][2])));
  return Math.max(rank.indexOf(Math.max(...rank)), 0);
}

panel.addEventListener("close", () => {
  history.replaceState(null, "", location.pathname + location.search);
  if (back && back !== document.body && back.isConnected && !back.closest("dialog")) back.focus();
  else current?.focus({ preventScroll: true });
});
panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
addEventListener("hashchange", follow);

function fill(id, at) {
  const [chapter, level, text] = data.specs[id] ?? ["", 1, ""];
  const title = [...$("chapter").options].find((each) => each.value === chapter)?.text ?? chapter;
  const order = visibleRows().map((row) => row.id);
  const place = order.indexOf(id);
  const step = (by, sign, name) => make("button", {
    type: "button", "aria-label": name, title: name,
    ...(order[place + by] === undefined || place < 0 ? { disabled: "" } : {}),
    onclick: () => { location.hash = `${order[place + by]}/${data.columns[at]}`; },
  }, sign);
  panel.replaceChildren(
    make("div", { class: "head" },
      make("h2", { id: "panel-id", tabindex: "-1", autofocus: "" }, id),
      make("span", { class: "dim" }, `${title}, level ${level}`),
      make("div", { class: "steps" },
        step(-1, "‹", "Requirement before"), step(1, "›", "Next requirement"),
        make("button", { type: "button", "aria-label": "Close", title: "Close (Esc)", onclick: () => panel.close() }, "✕"))),
    make("div", { class: "inside" },
      make("p", { class: "spec" }, ...prose(text)),
      tabs(id, at),
      make("div", { role: "tabpanel", id: "tab-panel", "aria-labelledby": `tab-${at}` }, ...details(id, at))));
}

// The specification's words: code as code, ids as links.
function prose(text) {
  const plain = text.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").replace(/\*\*?([^*`]+)\*\*?/g, "$1");
  return plain.split(/(`[^`]+`|\b[A-Z]{2,}-[0-9]+\b)/).map((part) => {
    if (part.startsWith("`")) return make("code", {}, part.slice(1, -1));
    return Object.hasOwn(data.cells, part) ? make("a", { href: `#${part}` }, part) : part;
  });
}

function tabs(id, at) {
  const pick = (to) => {
    location.replace(`#${id}/${data.columns[to]}`);
    follow();
    $(`tab-${to}`).focus();
  };
  return make("div", { class: "tabs", role: "tablist", "aria-label": "SDKs" },
    ...data.columns.map((name, to) => {
      const status = $(id).cells[to + 1].dataset.status;
      return make("button", {
        type: "button", role: "tab", id: `tab-${to}`, "aria-selected": String(to === at),
        "aria-controls": "tab-panel", tabindex: to === at ? "0" : "-1",
        onclick: () => pick(to),
        onkeydown: (event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (by) pick((to + by + data.columns.length) % data.columns.length);
        },
      }, name, " ", status ? chip(status) : "");
    }));
}

function details(id, at) {
  const [results, suites] = data.cells[id][at];
  const found = results.map((each) => data.results[each]).sort((a, b) => b[2] - a[2]);
  // Open at once what has gone wrong, or else the first that has something to show.
  let opened = found.findIndex((each) => each[2] > 1);
  if (opened < 0) opened = found.findIndex((each) => each[5] >= 0);
  const parts = found.map((each, place) => caseOf(each, place === opened));
  if (suites.length) {
    parts.push(make("ul", { class: "suites" }, ...suites.map(([name, number]) =>
      make("li", {}, chip("passed", String(number)), `vectors: ${name}`))));
  }
  return parts.length ? parts : [make("p", { class: "dim" }, "Nothing was run here.")];
}

function caseOf([at, adapter, status, seconds, text, transcript], open) {
  const [name, about] = data.cases[at];
  const word = data.statuses[status];
  const box = make("details", { class: "case" },
    make("summary", {}, chip(word, status ? word : ""), make("code", {}, name),
      adapter.includes("+") ? make("b", {}, adapter) : null,
      make("span", { class: "took dim" }, seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`),
      about ? make("span", { class: "about" }, about) : null));
  // Made when it is looked at.
  const show = () => {
    if (box.childElementCount > 1 || !box.open) return;
    if (text >= 0) box.append(make("h4", {}, "Diagnosis"), make("pre", { tabindex: "0" }, data.texts[text]));
    if (transcript >= 0) box.append(...wire(data.transcripts[transcript]));
    const kept = text >= 0 && data.texts[text].match(/^replay: (.+)$/m);
    box.append(make("h4", {}, "Replay"));
    if (kept) box.append(copyable(kept[1]));
    box.append(copyable(command(name, adapter, word, transcript)));
  };
  box.addEventListener("toggle", show);
  box.open = open;
  if (open) show();
  return box;
}

function command(name, adapter, word, transcript) {
  const quote = (text) => (/^[\w./+:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const words = ["brrr-conformance run", ...adapter.split("+").map((each) => quote(data.folders[each] ?? each)), "-k", quote(name)];
  if (data.run.store && data.run.store !== "redis") words.push("--store", data.run.store);
  if (transcript >= 0 && data.transcripts[transcript].seed !== 1) words.push("--seed", String(data.transcripts[transcript].seed));
  if (word === "known deviation") words.push("--without-deviations");
  return words.join(" ");
}


function copyable(words) {
  const button = make("button", { type: "button", class: "quiet", onclick: async () => {
    try { await navigator.clipboard.writeText(words); button.textContent = "Copied"; } catch { getSelection().selectAllChildren(box.firstChild); }
  } }, "Copy");
  const box = make("div", { class: "replay" }, make("pre", { tabindex: "0" }, words), button);
  return box;
}

// ---- the sequence diagram ----------------------------------------------------

const hue = (lane, lanes) => (lane === lanes - 1 ? "var(--store)" : `var(--lane-${lane % 5})`);

function wire({ who, left_out: leftOut, first, recipe, events }) {
  const names = [...who, data.run.store === "dynamodb" ? "stores" : "Redis"], lanes = names.length;
  const list = make("ol", { class: "seq", "aria-label": "What passed on the wire" });
  list.style.setProperty("--lanes", lanes);
  const heads = names.map((name, lane) => place(make("b", { title: name }, name), lane, hue(lane, lanes), 0));
  list.append(make("li", { class: "names", "aria-hidden": "true" },
    make("span", { class: "at" }, "ms"), make("span", { class: "wires" }, ...heads), make("span", { class: "text" })));
  for (let at = 0; at < events.length; at++) {
    if (leftOut && at === first) list.append(row("", [], [make("i", {}, `${leftOut} events are left out`)], lanes, "gap"));
    const event = events[at], [time, lane, kind, text] = event;
    const name = make("span", { class: "who" }, who[lane]);
    name.style.setProperty("--hue", hue(lane, lanes));
    const after = events[at + 1];
    const word = data.kinds[kind], said = data.texts[text];
    if (word === "command" && after && data.kinds[after[2]] === "reply" && after[4] === event[4]) {
      at += 1;
      list.append(row(time, [arrow(lane, lanes, "both"), arrow(lane, lanes, "both back")],
        [name, ` ${said} `, make("span", { class: "said" }, `→ ${data.texts[after[3]]}`)], lanes));
    } else if (word === "command") {
      list.append(row(time, [arrow(lane, lanes, "")], [name, ` ${said}`], lanes));
    } else if (word === "reply") {
      list.append(row(time, [arrow(lane, lanes, "back")], [name, make("span", { class: "said" }, ` ← ${said}`)], lanes));
    } else {
      const sign = { connected: "", fault: "director: ", invoked: "runs ", answered: "handler answers: ", problem: "reports " }[word];
      list.append(row(time, [place(make("span", { class: `dot ${word}` }), lane, hue(lane, lanes), 0.5)],
        [name, ` ${sign}${said}`], lanes));
    }
  }
  const parts = [make("h4", {}, "On the wire"), list];
  if (recipe) parts.push(make("h4", {}, "Schedule and choices"), make("pre", { tabindex: "0" }, recipe));
  return parts;
}

function place(element, lane, color, shift) {
  element.style.left = `calc(${lane + shift} * var(--lane))`;
  element.style.setProperty("--hue", color);
  return element;
}

function arrow(lane, lanes, look) {
  const element = place(make("span", { class: `arrow ${look}` }), lane, hue(lane, lanes), 0.5);
  element.style.width = `calc(${lanes - 1 - lane} * var(--lane))`;
  return element;
}

function row(time, marks, text, lanes, look = "") {
  const lines = Array.from({ length: lanes }, (_, lane) => place(make("i"), lane, "", 0.5));
  return make("li", { class: look },
    make("span", { class: "at" }, time === "" ? "" : time.toFixed(1)),
    make("span", { class: "wires", "aria-hidden": "true" }, ...lines, ...marks),
    make("span", { class: "text" }, ...text));
}

filter();
follow();
