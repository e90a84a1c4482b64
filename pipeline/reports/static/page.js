// Tables that sort and filter, rows that open, and the way to the sessions before and after.
(() => {
  "use strict";

  // ---- the sessions beside this one, from the list that every new session renews

  const nav = document.querySelector("[data-session]");
  const sessions = globalThis.candlelakeSessions;
  if (nav && sessions) {
    const at = sessions.indexOf(nav.dataset.session);
    point(nav.querySelector('[rel="prev"]'), at > 0 ? sessions[at - 1] : null);
    point(nav.querySelector('[rel="next"]'), at >= 0 ? (sessions[at + 1] ?? null) : null);
  }

  function point(link, session) {
    if (session === null) link.removeAttribute("href");
    else link.setAttribute("href", `../${session}/index.html`);
    link.querySelector("span").textContent = session ?? "";
  }

  // ---- sorting

  const tables = [...document.querySelectorAll("table.candidates, table.index")];
  const rowsOf = (table) => [...table.tBodies[0].rows];

  function valueIn(row, key, kind) {
    const text = row.querySelector(`[data-key="${key}"]`)?.dataset.value ?? "";
    if (kind === "text") return text;
    return text === "" ? null : Number(text);
  }

  function compare(a, b, way) {
    // What is missing comes last, whichever way.
    if (a === null || b === null) return (a === null) - (b === null);
    return way * (typeof a === "string" ? a.localeCompare(b, "en") : a - b);
  }

  function sort(table, header) {
    const { key, kind } = header.dataset;
    const rising = kind === "text" || key === "rank" ? "ascending" : "descending";
    const other = rising === "ascending" ? "descending" : "ascending";
    const order = header.getAttribute("aria-sort") === rising ? other : rising;
    for (const one of table.tHead.querySelectorAll("[aria-sort]")) one.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", order);
    const way = order === "ascending" ? 1 : -1;
    const keyed = rowsOf(table).map((row) => [valueIn(row, key, kind), valueIn(row, "rank", "number"), row]);
    keyed.sort(([a, i], [b, j]) => compare(a, b, way) || i - j);
    table.tBodies[0].append(...keyed.map(([, , row]) => row));
  }

  for (const table of tables) {
    for (const header of table.tHead.querySelectorAll("[aria-sort]")) {
      header.querySelector("button").addEventListener("click", () => sort(table, header));
    }
  }

  // ---- filtering: every word must hold; `rsi<40` compares a column, `new` asks for the mark, the rest is text

  const CONDITION = /^([a-z0-9]+)(<=|>=|<|>|=)(-?[\d.]+)([kmb]?)$/;
  const UNITS = { "": 1, k: 1e3, m: 1e6, b: 1e9 };
  const HOLDS = {
    "<": (a, b) => a < b,
    ">": (a, b) => a > b,
    "<=": (a, b) => a <= b,
    ">=": (a, b) => a >= b,
    "=": (a, b) => a === b,
  };

  function condition(word, keys) {
    const [, key, sign, digits, unit] = word.match(CONDITION) ?? [];
    if (keys.has(key)) {
      const limit = Number(digits) * UNITS[unit];
      return (row) => {
        const value = valueIn(row, key, "number");
        return value !== null && HOLDS[sign](value, limit);
      };
    }
    if (word === "new") return (row) => "new" in row.dataset;
    return (row) => row.textContent.toLowerCase().includes(word);
  }

  function filter(table, words) {
    const keys = new Set([...table.tHead.querySelectorAll('[data-kind="number"]')].map((one) => one.dataset.key));
    const conditions = words.map((word) => condition(word, keys));
    const rows = rowsOf(table);
    for (const row of rows) row.hidden = !conditions.every((holds) => holds(row));
    const shown = rows.filter((row) => !row.hidden).length;
    const count = table.closest("section").querySelector("[data-count]");
    count.textContent = words.length ? `${shown} of ${rows.length} shown` : "";
  }

  const input = document.querySelector("[data-filter]");
  const apply = () => {
    const words = input.value.toLowerCase().trim().split(/\s+/).filter(Boolean);
    for (const table of tables) filter(table, words);
  };
  input?.addEventListener("input", apply);
  if (input?.value) apply();

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && input && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
    }
  });

  // ---- a click anywhere on a row opens its page

  for (const table of document.querySelectorAll("table.candidates")) {
    if (!table.querySelector("a.ticker")) continue;
    table.classList.add("opens");
    table.tBodies[0].addEventListener("click", (event) => {
      if (event.target.closest("a, summary, details li, button") || String(window.getSelection())) return;
      event.target.closest("tr")?.querySelector("a.ticker")?.click();
    });
  }
})();
