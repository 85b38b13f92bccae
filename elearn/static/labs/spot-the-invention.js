/** Practice lab 5 (b) in the page: sends the marks, and shows what the server answers; the page holds no key. */

import { findLab, saver, say, write } from "./frame.js";

const SHOWN_RUNS = 20;

/** The same sums as `total` in domain/labs/spot_the_invention.py, from the marks the server answered with. */
export function run({ points }, marks) {
  const count = (state) => marks.filter((mark) => mark.state === state).length;
  const [right, falseSupport] = [count("right"), count("false_support")];
  return {
    right,
    line: count("line"),
    false_support: falseSupport,
    wrong: count("wrong"),
    points: points.right * right + points.false_support * falseSupport,
    of: points.right * marks.length,
  };
}

const TAGS = { right: "tag good", false_support: "tag bad" };

function drawMark({ root, data }, { id, state, told }) {
  const row = root.querySelector(`[data-statement="${id}"]`);
  row.querySelector("[data-told]").hidden = false;
  row.querySelector("[data-mark]").className = TAGS[state] ?? "tag wait";
  write(row, "mark", data.words[`state_${state}`]);
  write(row, "reason", told);
}

function draw(lab, { marks }) {
  const { root, data } = lab;
  const figures = run(data, marks);
  figures.points = String(figures.points).replace("-", "\u2212"); // a proper minus sign
  for (const mark of marks) drawMark(lab, mark);
  write(root, "headline", say(data.words.headline, figures));
  write(root, "headline-detail", say(data.words.headline_detail, figures));
  for (const part of root.querySelectorAll("[data-after-run]")) part.hidden = false;
  for (const part of root.querySelectorAll("[data-before-run]")) part.hidden = true;
  const rows = root.querySelector("[data-runs]");
  const row = root.querySelector("template[data-run]").content.firstElementChild.cloneNode(true);
  write(row, "number", Number(rows.lastElementChild?.querySelector("[data-number]").textContent ?? 0) + 1);
  for (const slot of ["points", "right", "false_support"]) write(row, slot, figures[slot]);
  rows.append(row);
  if (rows.childElementCount > SHOWN_RUNS) rows.firstElementChild.remove();
}

const lab = findLab("spot-the-invention");
if (lab) {
  const save = saver(lab, ({ figures }) => draw(lab, figures));
  lab.form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  // What was told of the old mark no longer fits the new one.
  lab.form.addEventListener("change", ({ target }) => {
    target.closest("[data-statement]").querySelector("[data-told]").hidden = true;
  });
}
