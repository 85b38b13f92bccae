/** Practice lab 8 in the page: ranks at once what domain/labs/note_search.py ranks again on the server. */

import { findLab, saver, say, tokens, write } from "./frame.js";

const POINT = "start"; // the point of law of the officer's case
const RIGHT_CHECKS = ["exists", "good-law"];
const FIRST = 5;
const MOST_MARKS = 5;
const SHOWN_WORDS = 3;
const BILLION = 1e9;

/** In whole billionths, because the last digits of two machines may differ. */
const billionths = (value) => Math.floor(BILLION * value + 0.5);
const state = (right) => (right ? "right" : "wrong");
const switched = ({ by, stop, stem }) => (by === "meaning" ? [] : [stop && "stop", stem && "stem"].filter(Boolean));

/** A search's name: the same for searches that rank the same. */
const codeOf = (choices) => [choices.query, choices.by, ...switched(choices)].join("-");

function stemmed(word, rules) {
  for (const { keep, ends } of rules) {
    const end = ends.find((each) => word.endsWith(each) && word.length - each.length >= keep);
    if (end) return word.slice(0, -end.length);
  }
  return word;
}

/** How often each word of a text occurs, in the order of first occurrence. */
function counter(data, { stop, stem }) {
  const common = new Set(data.common.flatMap((words) => words.split(" ")));
  return (text) => {
    const counts = new Map();
    for (const token of tokens(text)) {
      if (stop && common.has(token)) continue;
      const word = stem ? stemmed(token, data.endings) : token;
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    return counts;
  };
}

/** The case and every note as weighed words; words that occur in no note are left out of the case. */
function byWords(data, choices) {
  const count = counter(data, choices);
  const notes = data.notes.map(({ text }) => count(text));
  const spread = new Map();
  for (const words of notes) for (const word of words.keys()) spread.set(word, (spread.get(word) ?? 0) + 1);
  const weight = choices.by === "count" ? () => 1 : (word) => Math.log2(notes.length / spread.get(word));
  const weighed = (words) =>
    new Map([...words].filter(([word]) => spread.has(word)).map(([word, often]) => [word, often * weight(word)]));
  return { own: weighed(count(data.case[choices.query])), notes: notes.map(weighed) };
}

const byMeaning = (data, { query }) => ({
  own: new Map(data.caseVector[query].entries()),
  notes: data.vectors.map((vector) => new Map(vector.entries())),
});

const dot = (one, other) => [...one].reduce((sum, [key, value]) => sum + value * (other.get(key) ?? 0), 0);

/** Every note's number and its similarity in billionths, nearest first, equal ones by number. */
function rank(data, { own, notes }) {
  const rows = notes.map((note, at) => {
    const lengths = Math.sqrt(dot(own, own)) * Math.sqrt(dot(note, note));
    return [data.notes[at].number, lengths ? billionths(dot(own, note) / lengths) : 0];
  });
  return rows.sort(([number, near], [other, nearer]) => nearer - near || number - other);
}

/** The shared words that add most to a note's similarity. */
const driving = (own, note) =>
  [...own]
    .filter(([word]) => note.has(word))
    .map(([word, weight]) => [word, billionths(weight * note.get(word))])
    .filter(([, adds]) => adds)
    .sort(([, adds], [, more]) => more - adds)
    .slice(0, SHOWN_WORDS)
    .map(([word]) => word);

/** The same figures as SimilarCases.run on the server. */
export function run(data, choices) {
  const meant = choices.by === "meaning";
  const vectors = meant ? byMeaning(data, choices) : byWords(data, choices);
  const ranked = rank(data, vectors);
  const order = ranked.map(([number]) => number);
  const pointOf = (number) => data.notes[number - 1].point;
  const onPoint = (number) => pointOf(number) === POINT;
  const hits = order.slice(0, FIRST).filter(onPoint).length;
  const right = choices.checks.filter((check) => RIGHT_CHECKS.includes(check)).length;
  return {
    order,
    similarity: ranked.map(([, similarity]) => similarity / BILLION),
    words: order.slice(0, FIRST).map((number) => (meant ? [] : driving(vectors.own, vectors.notes[number - 1]))),
    hits,
    good: choices.marks.filter(onPoint),
    bad: choices.marks.filter((number) => !onPoint(number)),
    nearest: choices.nearest && state(choices.nearest === pointOf(order[0])),
    precision: choices.precision === null ? "" : state(choices.precision === (100 * hits) / FIRST),
    checks: { right, wrong: choices.checks.length - right },
  };
}

function readChoices(form) {
  const sent = new FormData(form);
  const ticked = (prefix) => [...sent.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const choices = {
    query: sent.get("query"),
    by: sent.get("by"),
    stop: sent.has("stop"),
    stem: sent.has("stem"),
    marks: ticked("mark-").map(Number).sort((one, other) => one - other),
    checks: ticked("check-"),
  };
  // Answers about a ranking count only if it is the one on the page.
  const answered = sent.get("seen") === codeOf(choices);
  const percent = answered ? sent.get("precision") : "";
  return { ...choices, nearest: answered ? sent.get("nearest") : "", precision: percent === "" ? null : Number(percent) };
}

const twoPlaces = (similarity) => (Math.floor(billionths(similarity) / 1e7) / 100).toFixed(2);

function drawNotes({ root, data }, choices, figures) {
  const lists = [root.querySelector("[data-first]"), root.querySelector("[data-others]")];
  const focused = document.activeElement;
  lists[1].start = FIRST + 1;
  write(root, "others-title", data.words.other_notes);
  figures.order.forEach((number, place) => {
    const row = root.querySelector(`[data-note="${number}"]`);
    const similarity = figures.similarity[place];
    const words = figures.words[place] ?? [];
    const nothing = choices.by !== "meaning" && similarity === 0;
    const kind = nothing ? "near_none" : words.length ? "near_words" : "near";
    const meter = row.querySelector("meter");
    meter.value = Math.max(0, similarity);
    meter.hidden = false;
    write(row, "near", say(data.words[kind], { value: twoPlaces(similarity) }));
    write(row, "driven", words.join(", "));
    row.querySelector("[data-driven]").lang = choices.query;
    const verdict = data.words[row.dataset.point === POINT ? "mark_good" : "mark_bad"];
    write(row, "verdict", choices.marks.includes(number) ? say(verdict, { point: data.points[row.dataset.point] }) : "");
    lists[place < FIRST ? 0 : 1].append(row);
  });
  // A box that was moved has lost the focus; it may now lie in the closed list.
  focused.focus({ preventScroll: true });
  if (document.activeElement !== focused) root.querySelector("[data-others-title]").focus({ preventScroll: true });
}

function tell({ root }, part, text, good) {
  const told = root.querySelector(`[data-told="${part}"]`);
  if (told.textContent !== text) told.textContent = text; // or it would be read out again
  told.hidden = !text;
  told.className = good ? "told good" : "told";
}

function drawTold(lab, choices, figures) {
  const { words, points, notes } = lab.data;
  const first = notes[figures.order[0] - 1];
  const [good, bad] = [figures.good.length, figures.bad.length];
  const three = notes.filter(({ point }) => point === POINT).length;
  const marks = say(words.told_marks, { count: good + bad, good, bad });
  tell(lab, "marks", good + bad ? marks : "", good === three && !bad);
  const kind = figures.nearest === "wrong" ? "wrong" : first.point === POINT ? "same" : "other";
  const nearest = say(words[`told_nearest_${kind}`], { number: first.number, point: points[first.point] });
  tell(lab, "nearest", figures.nearest && nearest, figures.nearest === "right");
  const found = { hits: figures.hits, percent: choices.precision };
  tell(lab, "precision", figures.precision && say(words[`told_precision_${figures.precision}`], found), figures.precision === "right");
  const both = figures.checks.right === RIGHT_CHECKS.length && !figures.checks.wrong;
  tell(lab, "checks", choices.checks.length ? say(words[`told_checks_${state(both)}`], figures.checks) : "", both);
}

/** One row for each search tried, with its precision once it was worked out. */
function drawTried({ root, data }, choices, figures) {
  const { words } = data;
  const rows = root.querySelector("[data-tried]");
  let row = rows.querySelector(`[data-code="${codeOf(choices)}"]`);
  if (!row) {
    row = root.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    row.dataset.code = codeOf(choices);
    const parts = [words[`query_${choices.query}`], words[`tried_${choices.by}`], ...switched(choices).map((each) => words[`tried_${each}`])];
    write(row, "search", parts.join(", "));
    write(row, "five", figures.order.slice(0, FIRST).join(", "));
    rows.append(row);
  }
  if (figures.precision === "right") {
    write(row, "percent", `${choices.precision}\u00a0%`);
    row.querySelector("meter").value = figures.hits / FIRST;
  }
}

function draw(lab, choices, figures) {
  const { root, data, form } = lab;
  const none = figures.similarity.filter((similarity) => similarity === 0).length;
  const detail = data.words[choices.by === "meaning" ? "detail_meaning" : "detail_words"];
  write(root, "headline", say(data.words.headline, { number: figures.order[0] }));
  write(root, "headline-detail", say(detail, { value: twoPlaces(figures.similarity[0]), none }));
  for (const part of root.querySelectorAll("[data-after-run]")) part.hidden = false;
  root.querySelector("[data-before-run]").hidden = true;
  form.elements.seen.value = codeOf(choices);
  form.elements.nearest.value = choices.nearest;
  form.elements.precision.value = choices.precision ?? "";
  drawNotes(lab, choices, figures);
  drawTold(lab, choices, figures);
  drawTried(lab, choices, figures);
}

function start(lab) {
  const { root, data, form } = lab;
  const save = saver(lab);
  data.notes = [...root.querySelectorAll("[data-note]")]
    .map((row) => ({
      number: Number(row.dataset.note),
      point: row.dataset.point,
      text: `${row.querySelector("summary").textContent} ${row.querySelector("details p").textContent}`,
    }))
    .sort((one, other) => one.number - other.number);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const choices = readChoices(form);
    save(); // before drawing, which clears answers about another ranking
    draw(lab, choices, run(data, choices));
  });
  form.addEventListener("change", ({ target }) => {
    if (!target.name.startsWith("mark-")) return;
    const many = root.querySelectorAll("[data-note] input:checked").length > MOST_MARKS;
    if (many) target.checked = false;
    write(root, "too-many", many ? data.words.too_many : "");
  });
}

const lab = findLab("similar-cases");
if (lab) start(lab);
