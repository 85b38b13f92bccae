/** Practice lab 1 in the page: trains at once what domain/labs/grievance_sorter.py trains again on the server. */

import { findLab, percent, saver, say, tokens, write } from "./frame.js";

const TIE = 1e-9; // two scores this near are a tie, because logarithms may differ in the last digit

/** A sorter trained by multinomial naive Bayes with Laplace smoothing 1: counts per word and department. */
export function train(data, { size, labels }) {
  const places = data.departments.map((department) => department.id);
  const sorter = { places, counts: new Map(), totals: places.map(() => 0), examples: places.map(() => 0) };
  for (const { id, text } of data.learn.slice(0, size)) {
    const place = places.indexOf(labels[id]);
    sorter.examples[place] += 1;
    for (const word of tokens(text)) {
      if (!sorter.counts.has(word)) sorter.counts.set(word, places.map(() => 0));
      sorter.counts.get(word)[place] += 1;
      sorter.totals[place] += 1;
    }
  }
  return sorter;
}

/** What the sorter decides about a text; every sum runs in the order of the server's. */
export function judge({ places, counts, totals, examples }, text) {
  const words = tokens(text);
  const none = places.map(() => 0);
  const likelihoods = words.map((word) =>
    (counts.get(word) ?? none).map((count, place) => (count + 1) / (totals[place] + counts.size + 1)),
  );
  const all = examples.reduce((sum, count) => sum + count, 0) + places.length;
  const scores = places.map((_, place) =>
    likelihoods.reduce((score, likelihood) => score + Math.log(likelihood[place]), Math.log((examples[place] + 1) / all)),
  );
  const top = Math.max(...scores);
  const decision = scores.findIndex((score) => score > top - TIE);
  const weight = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
  return {
    decision: places[decision],
    probability: Math.exp(scores[decision] - top) / weight,
    known: words.filter((word) => counts.has(word)).length,
    of: words.length,
    words: strongest(words, likelihoods, decision),
  };
}

/** The three words that speak most for the decision: how much likelier there than, on average, elsewhere. */
function strongest(words, likelihoods, decision) {
  const ratios = new Map();
  words.forEach((word, at) => {
    const others = likelihoods[at].reduce((sum, value, place) => sum + (place === decision ? 0 : value), 0);
    ratios.set(word, likelihoods[at][decision] / (others / (likelihoods[at].length - 1)));
  });
  return [...ratios]
    .filter(([, ratio]) => ratio > 1)
    .sort(([, one], [, other]) => other - one)
    .slice(0, 3)
    .map(([word, ratio]) => ({ word, weight: Math.log(ratio) }));
}

/** The same figures as GrievanceSorter.run on the server. */
export function run(data, choices) {
  const sorter = train(data, choices);
  const tests = data.test.map(({ id, text }) => ({ id, ...judge(sorter, text) }));
  const confusion = sorter.places.map((right) =>
    sorter.places.map((told) =>
      tests.filter(({ decision }, at) => data.test[at].department === right && decision === told).length,
    ),
  );
  return {
    wrong: data.learn.slice(0, choices.size).filter(({ id, department }) => choices.labels[id] !== department).map(({ id }) => id),
    correct: confusion.reduce((sum, row, place) => sum + row[place], 0),
    of: tests.length,
    tests,
    confusion,
    elsewhere: data.elsewhere.map(({ id, text }) => ({ id, ...judge(sorter, text) })),
  };
}

function readChoices(form) {
  const fields = [...new FormData(form)];
  const labels = fields.filter(([name]) => name.startsWith("label-")).map(([name, value]) => [name.slice(6), value]);
  return { size: Number(form.elements.size.value), labels: Object.fromEntries(labels) };
}

const because = ({ words }, none) =>
  words.map(({ word, weight }) => `${word} ×${Math.exp(weight).toFixed(1)}`).join(", ") || none;

function drawJudged({ root, data }, told) {
  const row = root.querySelector(`[data-judged="${told.id}"]`);
  const right = told.decision === row.dataset.department;
  write(row, "says", nameOf(data, told.decision));
  write(row, "mark", right ? data.words.right : data.words.wrong);
  row.querySelector("[data-mark]").className = right ? "tag good" : "tag wait";
  row.querySelector("meter").value = told.probability;
  write(row, "percent", `${percent(told.probability)}\u00a0%`);
  write(row, "because", because(told, data.words.no_words));
  const known = row.querySelector("[data-known]");
  if (known) known.textContent = say(data.words.known_of, told);
}

const nameOf = (data, id) => data.departments.find((department) => department.id === id).name;

function draw(lab, size, figures) {
  const { root, data } = lab;
  const { correct, of } = figures;
  const values = { correct, of, size, wrong: figures.wrong.length, percent: percent(correct / of) };
  write(root, "headline", say(data.words.headline, values));
  write(root, "headline-detail", say(data.words.headline_detail, values));
  for (const note of root.querySelectorAll("[data-note]")) note.hidden = !figures.wrong.includes(note.dataset.note);
  const cells = root.querySelectorAll("[data-confusion] td");
  figures.confusion.flat().forEach((count, at) => (cells[at].textContent = count));
  for (const told of [...figures.tests, ...figures.elsewhere]) drawJudged(lab, told);
  for (const part of root.querySelectorAll("[data-after-run], [data-restore]")) part.hidden = false;
  for (const part of root.querySelectorAll("[data-before-run]")) part.hidden = true;
  addRun(root, values);
}

function addRun(root, values) {
  const rows = root.querySelector("[data-runs]");
  const row = root.querySelector("template[data-run]").content.firstElementChild.cloneNode(true);
  const last = rows.lastElementChild?.querySelector("[data-number]").textContent;
  const cells = { ...values, number: Number(last ?? 0) + 1 };
  for (const slot of ["number", "size", "wrong", "correct"]) write(row, slot, cells[slot]);
  row.querySelector("meter").value = values.correct / values.of;
  rows.append(row);
}

/** The officer's own complaint is judged here and goes nowhere. */
function answerTyped({ root, data }, sorter) {
  const text = root.querySelector("[data-typed]").value;
  const told = sorter && judge(sorter, text);
  if (!told) return write(root, "answer", data.words.typed_untrained);
  if (!told.of) return write(root, "answer", data.words.typed_empty);
  const values = { ...told, department: nameOf(data, told.decision), percent: percent(told.probability) };
  write(root, "answer", say(data.words.typed_answer, { ...values, because: because(told, data.words.no_words) }));
}

function start(lab) {
  const { root, data, form } = lab;
  const save = saver(lab);
  let sorter = data.latest && train(data, data.latest);
  root.querySelector("[data-restore]").hidden = !sorter;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const choices = readChoices(form);
    sorter = train(data, choices);
    draw(lab, choices.size, run(data, choices));
    save();
  });
  root.querySelector("[data-restore]").addEventListener("click", () => {
    for (const { id, department } of data.learn) form.elements[`label-${id}`].value = department;
    for (const note of root.querySelectorAll("[data-note]")) note.hidden = true;
  });
  root.querySelector("[data-ask]").addEventListener("click", () => answerTyped(lab, sorter));
  root.querySelector("[data-typed]").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) answerTyped(lab, sorter);
  });
}

const lab = findLab("grievance-sorter");
if (lab) start(lab);
