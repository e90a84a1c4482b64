// What lies over the chart's panes: the crosshair they share, the readouts, and the tags of prices. It writes text only.
(() => {
  "use strict";

  const { fixed, signed, price, priceDigits } = globalThis.candlelake.figures;
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -21, PageDown: 21, Home: -Infinity, End: Infinity };

  // `view` tells of the chart: `boxes()` of its panes, the `span()` of bars in view, the `levels` to tag, and how to
  // `reveal(at)` a bar.
  globalThis.candlelake.overlay = (host, sessions, columns, view) => {
    const layer = host.querySelector("[data-overlay]");
    const part = (name) => layer.querySelector(`[data-part="${name}"]`);
    const slots = [...layer.querySelectorAll("[data-value]")];
    const newest = sessions.length - 1;
    let at = null;
    let pointer = null;

    const held = (value, low, high) => Math.max(low, Math.min(high, value));

    function toX(bar, width) {
      const { first, last } = view.span();
      return ((bar - first) / (last - first)) * width;
    }

    function toY(value, { top, height, range }) {
      return top + ((range.end - value) / (range.end - range.start)) * height;
    }

    function place() {
      const boxes = view.boxes();
      for (const box of boxes) part(`readout-${box.name}`).style.top = `${box.top}px`;
      placeTag("last", columns.close[newest], boxes[0]);
      for (const [name, level] of Object.entries(view.levels)) placeTag(name, level, boxes[0]);
      placeVertical(boxes);
      placeHorizontal(boxes);
      read(at ?? newest);
    }

    function placeTag(name, value, box) {
      const tag = part(`tag-${name}`);
      const y = value === null ? NaN : toY(value, box);
      tag.hidden = !(y >= box.top && y <= box.top + box.height);
      if (tag.hidden) return;
      tag.style.top = `${y}px`;
      tag.querySelector("b").textContent = price(value);
    }

    function placeVertical(boxes) {
      const [line, date] = [part("vertical"), part("tag-date")];
      line.hidden = date.hidden = at === null;
      if (at === null) return;
      const x = toX(at, boxes[0].width);
      const bottom = boxes.at(-1).top + boxes.at(-1).height;
      Object.assign(line.style, { left: `${x}px`, height: `${bottom}px` });
      date.textContent = sessions[at];
      const half = date.offsetWidth / 2;
      Object.assign(date.style, { left: `${held(x, half, host.clientWidth - half)}px`, top: `${bottom + 2}px` });
    }

    function placeHorizontal(boxes) {
      const [line, level] = [part("horizontal"), part("tag-level")];
      const box = pointer && boxes.find(({ top, height }) => pointer.y >= top && pointer.y <= top + height);
      line.hidden = level.hidden = at === null || !box;
      if (line.hidden) return;
      const value = box.range.end - ((pointer.y - box.top) / box.height) * (box.range.end - box.range.start);
      Object.assign(line.style, { top: `${pointer.y}px`, width: `${box.width}px` });
      level.style.top = `${pointer.y}px`;
      level.textContent = box.name === "price" ? price(value) : fixed(value, box.name === "rsi" ? 1 : 2);
    }

    function read(bar) {
      const value = (name) => columns[name][bar];
      const close = value("close");
      const fine = priceDigits(close) + 1;
      const texts = {
        session: sessions[bar],
        change: bar > 0 ? `${signed((close / columns.close[bar - 1] - 1) * 100, 1)} %` : "",
        volume: fixed(value("volume"), 0),
        rsi_14: fixed(value("rsi_14"), 1),
      };
      for (const name of ["open", "high", "low", "close", "sma_50", "sma_200"]) texts[name] = price(value(name));
      for (const name of ["macd", "macd_signal", "macd_histogram"]) texts[name] = signed(value(name), fine);
      for (const slot of slots) slot.textContent = texts[slot.dataset.value];
      const change = slots.find((slot) => slot.dataset.value === "change");
      change.className = { "+": "up", "−": "down" }[texts.change[0]] ?? "";
    }

    function pointAt(event) {
      const edge = host.getBoundingClientRect();
      const { first, last } = view.span();
      const { width } = view.boxes()[0];
      pointer = { x: event.clientX - edge.left, y: event.clientY - edge.top };
      const bar = Math.round(first + (pointer.x / width) * (last - first));
      at = pointer.x <= width ? held(bar, 0, newest) : null;
      place();
    }

    function leave() {
      at = pointer = null;
      place();
    }

    function walk(event) {
      if (event.key === "Escape") leave();
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      const step = STEPS[event.key];
      const from = at ?? Math.floor(view.span().last) + (step < 0 ? 1 : -1);
      at = held(held(from, 0, newest) + step, 0, newest);
      pointer = null;
      view.reveal(at);
      place();
    }

    function listen() {
      host.addEventListener("pointermove", pointAt);
      host.addEventListener("pointerdown", pointAt);
      host.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave());
      host.addEventListener("keydown", walk);
    }

    return { place, listen };
  };
})();
