// The chart of a ticker's page: fills Bokeh's document with the page's numbers, and fits the panes to what is in view.
(() => {
  "use strict";

  const host = document.getElementById("chart");
  if (!host) return;

  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const count = data.sessions.length;
  const columns = Object.fromEntries(
    Object.entries(data.columns).map(([name, values]) => [name, Float64Array.from(values, (v) => v ?? NaN)]),
  );
  const PANES = ["price", "histogram", "macd", "rsi"];
  const RANGES = { "3M": 63, "6M": 126, "1Y": 252, All: Infinity };
  const ROOM = 3; // bars kept free at the right
  const FEWEST = 15; // bars that stay in view however far one zooms

  const canvas = host.querySelector("[data-canvas]");
  const buttons = [...document.querySelectorAll("[data-range]")];

  // ---- colours

  const scheme = window.matchMedia("(prefers-color-scheme: light)");
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }
  function coloured(json) {
    return JSON.parse(JSON.stringify(json).replace(/var\(--([a-z]+)\)/g, (_, name) => colour(name)));
  }

  // ---- drawing

  const state = { first: 0, last: 0 };
  let drawn = null;

  function sources() {
    const [up, down, flat, panel] = ["up", "down", "muted", "panel"].map(colour);
    const bars = [...Array(count).keys()];
    const { open, high, low, close, macd_histogram: swing } = columns;
    const tone = bars.map((i) => (close[i] > open[i] ? up : close[i] < open[i] ? down : flat));
    const fading = (i) => i > 0 && Math.abs(swing[i]) < Math.abs(swing[i - 1]);
    return {
      bars: {
        x: bars,
        ...columns,
        tone,
        // A rising day is hollow, a falling one solid, for eyes that cannot tell the colours apart.
        body: bars.map((i) => (close[i] > open[i] ? panel : tone[i])),
        swing: bars.map((i) => (swing[i] < 0 ? down : up) + (fading(i) ? "80" : "")),
      },
      listed: { x: data.listed, y: data.listed.map(() => 0.015) },
      setups: {
        x: data.setups.map(([at]) => at),
        y: data.setups.map(([at, side]) => (side > 0 ? low[at] : high[at])),
        offset: data.setups.map(([, side]) => (side > 0 ? 11 : -11)),
        tone: data.setups.map(([, side]) => (side > 0 ? up : down)),
      },
      splits: {
        x: data.splits.map(([at]) => at),
        y: data.splits.map(() => 0.9),
        ratio: data.splits.map(([, from, to]) => `${to}:${from}`),
      },
      ...Object.fromEntries(
        ["entry", "exit"].map((side) => {
          const own = data.trades.filter((trade) => trade[1] === side);
          return [side, { x: own.map(([at]) => at), y: own.map(([, , paid]) => paid) }];
        }),
      ),
    };
  }

  async function draw() {
    const bokeh = Bokeh.require("document").Document.from_json(coloured(globalThis.candlelake.chart));
    const model = (name) => bokeh.get_model_by_name(name);
    for (const [name, values] of Object.entries(sources())) model(name).data = values;
    for (const name of ["support", "resistance"]) model(name).location = data[name];
    model("price").height = priceHeight(PANES.slice(1).reduce((sum, name) => sum + model(name).height, 0));
    const time = model("time");
    time.bounds = [-1, count - 1 + ROOM];
    time.min_interval = Math.min(FEWEST, count);
    drawn = { bokeh, model, time, views: null };
    setFormats();
    show(state.first, state.last);
    time.properties.start.change.connect(follow);
    time.properties.end.change.connect(follow);
    const views = await Bokeh.embed.add_document_standalone(bokeh, canvas);
    Object.assign(drawn, { views, panes: new Map(PANES.map((name) => [name, views.find_one(model(name))])) });
    for (const name of PANES) {
      model(name).properties.inner_width.change.connect(overlay.place);
      letPageScroll(drawn.panes.get(name));
    }
    follow();
    host.dataset.drawn = Math.round(performance.now()); // milliseconds since the page was asked for
  }

  // The panes fill what the window leaves below the page's head, when they are the page's main part.
  function priceHeight(others) {
    const above = host.getBoundingClientRect().top + window.scrollY;
    const left = window.innerHeight - above - others - 12;
    return Math.round(Math.max(300, Math.min(left, 640)));
  }

  function setFormats() {
    const highest = columns.high.reduce((a, b) => Math.max(a, b), 0);
    const lowest = columns.low.reduce((a, b) => Math.min(a, b), Infinity);
    drawn.model("price_figures").format = highest >= 10000 ? "0,0" : lowest < 1 ? "0,0.0000" : "0,0.00";
    const swing = columns.macd.reduce((a, b) => (Math.abs(b) > a ? Math.abs(b) : a), 0);
    const format = swing >= 100 ? "0,0" : swing >= 0.1 ? "0,0.00" : "0,0.0000";
    for (const name of ["histogram", "macd"]) drawn.model(`${name}_figures`).format = format;
    drawn.model("rsi_figures").format = "0";
  }

  // Bokeh takes every touch for itself; moving up and down is left to the page.
  function letPageScroll(view) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".bk-events { touch-action: pan-y pinch-zoom !important; }");
    const shadow = view.canvas_view.shadow_el;
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  }

  async function redraw() {
    drawn.views.clear();
    canvas.replaceChildren();
    await draw();
  }

  // ---- what is in view

  function show(first, last) {
    Object.assign(state, { first, last });
    drawn.time.setv({ start: first, end: last });
  }

  function showRange(name) {
    const wanted = Math.min(RANGES[name], count);
    show(count - wanted - 0.5, count - 1 + ROOM);
  }

  function shift(step) {
    const width = state.last - state.first;
    const first = Math.max(-1, Math.min(state.first + step * width, count - 1 + ROOM - width));
    show(first, first + width);
  }

  function inView() {
    const first = Math.max(0, Math.ceil(state.first));
    return [first, Math.min(count - 1, Math.floor(state.last))];
  }

  function extent(names) {
    const [first, last] = inView();
    let low = Infinity;
    let high = -Infinity;
    for (const name of names) {
      for (const value of columns[name].subarray(first, last + 1)) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return low <= high ? [low, high] : [0, 1];
  }

  function fit() {
    const range = (name, start, end) => drawn.model(name).setv({ start, end });
    const [low, high] = extent(["low", "high"]);
    const span = high - low || high * 0.02 || 1;
    // Room for the volume below, and above for the readout, which takes three lines on a phone.
    range("price_range", low - span * 0.26, high + span * (host.clientWidth < 600 ? 0.32 : 0.1));
    range("volume_range", 0, extent(["volume"])[1] * 5 || 1);
    const swing = Math.max(...extent(["macd_histogram"]).map(Math.abs)) || 1;
    range("histogram_range", -swing * 1.15, swing * 1.15);
    const [least, most] = extent(["macd", "macd_signal"]);
    const room = (most - least || 1) * 0.12;
    range("macd_range", Math.min(least, 0) - room, Math.max(most, 0) + room);
  }

  function follow() {
    Object.assign(state, { first: drawn.time.start, last: drawn.time.end });
    fit();
    setDates();
    for (const button of buttons) {
      const wanted = Math.min(RANGES[button.dataset.range], count);
      const shown = Math.abs(state.last - state.first - (wanted + ROOM - 0.5)) < 0.5;
      button.setAttribute("aria-pressed", String(shown));
    }
    if (drawn.panes) overlay.place();
  }

  function setDates() {
    const [first, last] = inView();
    const most = Math.max(2, Math.floor(host.clientWidth / 75));
    // A label needs room on its left.
    const begin = first + Math.ceil((16 / host.clientWidth) * (last - first));
    const ticks = globalThis.candlelake.dateTicks(data.sessions, begin, last, most);
    drawn.model("date_axis").major_label_overrides = new Map(ticks);
    drawn.model("dates").ticks = ticks.map(([at]) => at);
  }

  // ---- where the panes lie, for what is drawn over them

  function boxes() {
    let top = 0;
    return PANES.map((name) => {
      const pane = drawn.model(name);
      const frame = drawn.panes.get(name).frame.bbox;
      const box = { name, top: top + frame.top, height: frame.height, width: frame.width, range: pane.y_range };
      top += pane.height;
      return box;
    });
  }

  function reveal(at) {
    const [first, last] = inView();
    if (at >= first && at <= last) return;
    const width = state.last - state.first;
    const start = Math.max(-1, Math.min(at - width / 2, count - 1 + ROOM - width));
    show(start, start + width);
  }

  const overlay = globalThis.candlelake.overlay(host, data.sessions, columns, {
    boxes,
    reveal,
    span: () => state,
    levels: { support: data.support, resistance: data.resistance },
  });

  // ---- start

  const wide = host.clientWidth >= 600;
  const begin = Math.min(RANGES[wide ? "1Y" : "6M"], count);
  Object.assign(state, { first: count - begin - 0.5, last: count - 1 + ROOM });
  Bokeh.set_log_level("warn");
  draw().then(() => {
    overlay.listen();
    for (const button of buttons) button.addEventListener("click", () => showRange(button.dataset.range));
    document.querySelector("[data-earlier]").addEventListener("click", () => shift(-0.5));
    document.querySelector("[data-later]").addEventListener("click", () => shift(0.5));
    scheme.addEventListener("change", redraw);
  });
})();
