/** Practice lab 3 in the page: moves the line at once; domain/labs/threshold.py finds the same figures on the server. */

import { findLab, grouped, saver, say, write } from "./frame.js";

const HOMES = 5; // that a verifier can visit in a day
const TABLE_STEP = 5;
const ACROSS = 10; // units of the picture for one hundredth of the score
const DEEP = 440;
const RUPEES = ["wrong_price", "missed_price", "families", "treasury", "total", "cheapest_total"];
const SENTENCES = [
  ...["precision_says", "recall_says", "false_positive_says", "capacity_sum", "families_sum", "treasury_sum"],
  ...["cheapest_says", "live", "visits_short", "prices_short"],
];

const sum = (counts) => counts.reduce((all, count) => all + count, 0);
const lineOf = (hundredths) => (hundredths / 100).toFixed(2);
const rupees = (amount) => `₹\u00a0${grouped(amount)}`;

/** The four boxes of the two-by-two table at each threshold; at place 0, of no use, everything is flagged. */
function allCounts({ eligible, ineligible }) {
  return eligible.map((_, line) => ({
    right: sum(ineligible.slice(line)),
    wrong: sum(eligible.slice(line)),
    missed: sum(ineligible.slice(0, line)),
    left: sum(eligible.slice(0, line)),
  }));
}

/** What all mistakes cost at each threshold, if every flagged pension were stopped. */
const allTotals = (counts, choices) =>
  counts.map(({ wrong, missed }) => wrong * choices.wrong_price + missed * choices.missed_price);

/** The same figures as Threshold.run on the server. */
export function run(data, choices) {
  const counts = allCounts(data);
  const totals = allTotals(counts, choices);
  const here = counts[choices.threshold];
  const flagged = here.right + here.wrong;
  const cheapest_total = Math.min(...totals.slice(1));
  const aDay = choices.verifiers * HOMES;
  const capacity = aDay * choices.days;
  return {
    flagged,
    ...here,
    capacity,
    unvisited: Math.max(0, flagged - capacity),
    days_needed: Math.ceil(flagged / aDay),
    families: here.wrong * choices.wrong_price,
    treasury: here.missed * choices.missed_price,
    total: totals[choices.threshold],
    cheapest: totals.lastIndexOf(cheapest_total), // of several the highest, because it flags the fewest
    cheapest_total,
  };
}

/** A share in percent with one decimal, rounded half up in whole numbers as on the server. */
function share(part, whole) {
  if (!whole) return "–";
  const tenths = Math.floor((2000 * part + whole) / (2 * whole));
  return `${Math.floor(tenths / 10)}.${tenths % 10}\u00a0%`;
}

/** Every number and sentence that changes with the choices, as it stands on the page. */
function shown({ words, ...data }, choices, figures) {
  const [eligible, ineligible] = [sum(data.eligible), sum(data.ineligible)];
  const best = allCounts(data)[figures.cheapest];
  const numbers = {
    ...figures,
    ...choices,
    eligible,
    ineligible,
    not_flagged: eligible + ineligible - figures.flagged,
    spare: Math.max(0, figures.capacity - figures.flagged),
    cheapest_wrong: best.wrong,
    cheapest_missed: best.missed,
  };
  const texts = Object.fromEntries(
    Object.entries(numbers).map(([name, count]) => [name, (RUPEES.includes(name) ? rupees : grouped)(count)]),
  );
  Object.assign(texts, {
    threshold: lineOf(choices.threshold),
    cheapest: lineOf(figures.cheapest),
    precision: share(figures.right, figures.flagged),
    recall: share(figures.right, ineligible),
    false_positive: share(figures.wrong, eligible),
  });
  texts.visit_says = say(figures.unvisited ? words.not_all_visited : words.all_visited, texts);
  for (const code of SENTENCES) texts[code] = say(words[code], texts);
  return texts;
}

/** The top of a scale: the lowest of 1, 2, 3, 4, 5, 6 and 8 times a power of ten that is not below the value. */
function roundTop(value) {
  let power = 1;
  while (8 * power < value) power *= 10;
  return power * [1, 2, 3, 4, 5, 6, 8].find((digit) => power * digit >= value);
}

function drawCurve({ root, data }, choices, { cheapest, cheapest_total }) {
  const totals = allTotals(allCounts(data), choices);
  const highest = Math.max(...totals.slice(1));
  const top = roundTop(Math.min(highest, Math.floor((cheapest_total * 5) / 2)) || highest);
  const depths = totals.map((total) => DEEP - Math.floor((total * DEEP) / top));
  const points = depths.map((depth, line) => `${ACROSS * line},${depth}`).slice(1);
  root.querySelector("[data-curve]").setAttribute("points", points.join(" "));
  root.querySelector("[data-yours]").setAttribute("d", `M${ACROSS * choices.threshold} 0V${DEEP}`);
  const dot = root.querySelector("[data-cheapest]");
  dot.setAttribute("cx", ACROSS * cheapest);
  dot.setAttribute("cy", depths[cheapest]);
  write(root, "top", rupees(top));
  root.querySelectorAll("[data-total]").forEach((cell, at) => (cell.textContent = rupees(totals[TABLE_STEP * (at + 1)])));
}

/** Show what these choices lead to; returns the texts. */
function draw(lab, choices) {
  const { root, data } = lab;
  const figures = run(data, choices);
  const texts = shown(data, choices, figures);
  for (const place of root.querySelectorAll("[data-shown]")) place.textContent = texts[place.dataset.shown];
  for (const meter of root.querySelectorAll("[data-meter]")) {
    meter.max = Math.max(figures.flagged, figures.capacity);
    meter.value = figures[meter.dataset.meter];
  }
  root.querySelector("[data-visits]").className = figures.unvisited ? "told bad" : "told good";
  drawCurve(lab, choices, figures);
  return texts;
}

function addRun(root, texts) {
  const row = root.querySelector("template[data-run]").content.firstElementChild.cloneNode(true);
  for (const name of ["threshold", "flagged", "visits_short", "wrong", "missed", "cheapest", "prices_short"])
    write(row, `run-${name}`, texts[name]);
  root.querySelector("[data-runs]").append(row);
  root.querySelector("[data-after-run]").hidden = false;
}

function readChoices({ elements }) {
  const number = (name) => Number(elements[name].value);
  const [wrong_price, missed_price] = [number("wrong_price"), number("missed_price")];
  // Rounded, because 100 × 0.29 is a little less than 29.
  return { threshold: Math.round(100 * number("threshold")), wrong_price, missed_price, verifiers: number("verifiers"), days: number("days") };
}

function start(lab) {
  const { root, data, form } = lab;
  const save = saver(lab);
  const { threshold } = form.elements;
  const slider = root.querySelector("[data-slider]");
  const follow = () => {
    if (!form.checkValidity()) return;
    slider.value = threshold.value;
    draw(lab, readChoices(form));
  };
  form.addEventListener("input", ({ target }) => {
    if (target === slider) threshold.value = lineOf(Math.round(100 * slider.value));
    follow();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    addRun(root, draw(lab, readChoices(form)));
    save();
  });
  const note = root.querySelector("[data-note]");
  const count = () => write(root, "note-count", say(data.words.note_count, { count: note.value.split(/\s+/).filter(Boolean).length }));
  note.addEventListener("input", count);
  // A browser may have kept what was chosen and written here before.
  follow();
  count();
}

const lab = findLab("threshold");
if (lab) start(lab);
