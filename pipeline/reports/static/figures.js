// Figures as pipeline/reports/figures.py writes them, for numbers that are read off the chart.
(() => {
  "use strict";

  function fixed(number, digits) {
    if (!Number.isFinite(number)) return "–";
    const [whole, fraction] = Math.abs(number).toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction ? `.${fraction}` : "");
    return (number < 0 && /[1-9]/.test(grouped) ? "−" : "") + grouped;
  }

  function signed(number, digits) {
    const text = fixed(number, digits);
    return number > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  }

  const priceDigits = (amount) => (Math.abs(amount) < 1 ? 4 : 2);
  const price = (amount) => fixed(amount, priceDigits(amount));

  globalThis.candlelake.figures = { fixed, signed, price, priceDigits };
})();
