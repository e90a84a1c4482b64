// The labels of the time axis: days, weeks, months, quarters or years, the finest that fits.
(() => {
  "use strict";

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  const STEPS = [
    (day) => `${day.year}-${day.month}-${day.day}`,
    (day) => day.week,
    (day) => `${day.year}-${day.month}`,
    (day) => `${day.year}-${Math.floor((day.month - 1) / 3)}`,
    (day) => day.year,
  ];

  function parsed(text) {
    const [year, month, day] = text.split("-").map(Number);
    // 1970-01-01 was a Thursday; weeks begin on Monday.
    const week = Math.floor((Date.UTC(year, month - 1, day) / 86400000 + 3) / 7);
    return { year, month, day, week };
  }

  function label(day, before) {
    if (day.year !== before.year) return String(day.year);
    return day.month !== before.month ? MONTHS[day.month - 1] : `${day.day} ${MONTHS[day.month - 1]}`;
  }

  // Returns [place, label] of at most about `most` of the sessions (ISO dates) `first` … `last`.
  function dateTicks(sessions, first, last, most) {
    const begin = Math.max(first, 1);
    const days = sessions.slice(begin - 1, last + 1).map(parsed);
    let ticks = [];
    for (const step of STEPS) {
      ticks = [];
      for (let i = 1; i < days.length; i++) {
        if (step(days[i]) !== step(days[i - 1])) ticks.push([begin - 1 + i, label(days[i], days[i - 1])]);
      }
      if (ticks.length <= most) break;
    }
    return ticks;
  }

  globalThis.candlelake.dateTicks = dateTicks;
})();
