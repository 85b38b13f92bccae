/** Practice lab 5 (a) in the page: the model of domain/labs/trigrams.py, and the figures of domain/labs/next_word.py. */

import { findLab, mulberry32, percent, saver, say, write } from "./frame.js";

const START = "^"; // stands twice before the first word of a sentence
const MOST = 12;
const LONGEST = 30;
const COUNTED = "1";
const WEIGHTS = { "0.5": (count) => count * count, 1: (count) => count, 2: Math.sqrt };
const TEMPERATURES = ["0.5", "1", "2"]; // in this order; JavaScript would put the whole numbers of WEIGHTS first
const SHOWN_RUNS = 10;

const same = (one, other) => one.length === other.length && one.every((word, at) => word === other[at]);
const isWhole = (words) => [".", "।"].includes(words.at(-1));
const bytes = (text) => new TextEncoder().encode(text).length;

/** A sentence as the model's tokens. */
const cut = (sentence) => [...(sentence[0].toLowerCase() + sentence.slice(1, -1)).split(" "), sentence.at(-1)];

function joined(words) {
  const text = isWhole(words) ? words.slice(0, -1).join(" ") + words.at(-1) : words.join(" ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** How often each word followed two words, one word, or stood anywhere (but at the end). */
export function learn({ text }) {
  const sentences = text.map(cut);
  const followers = new Map();
  const count = (context, word) => {
    if (!followers.has(context)) followers.set(context, new Map());
    followers.get(context).set(word, (followers.get(context).get(word) ?? 0) + 1);
  };
  for (const sentence of sentences) {
    const words = [START, START, ...sentence];
    for (let at = 2; at < words.length; at += 1) {
      count(`${words[at - 2]} ${words[at - 1]}`, words[at]);
      count(words[at - 1], words[at]);
      if (at < words.length - 1) count("", words[at]);
    }
  }
  return { sentences, followers };
}

/** How many words it looked at, and the likeliest next words with their counts. */
function after({ followers }, words) {
  const [before, last] = [START, START, ...words].slice(-2);
  const contexts = [`${before} ${last}`, last, ""];
  const at = contexts.findIndex((context) => followers.has(context));
  const ranked = [...followers.get(contexts[at])].sort(([, one], [, other]) => other - one).slice(0, MOST);
  return { level: 2 - at, ranked };
}

function shares(ranked, temperature) {
  const weights = ranked.map(([, count]) => WEIGHTS[temperature](count));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function drawn(ranked, temperature, lot) {
  let reached = 0;
  const rank = shares(ranked, temperature).findIndex((share) => lot < (reached += share));
  return rank < 0 ? ranked.length - 1 : rank;
}

/** The figures of a sentence: the officer's words, then the machine's. */
function compose(model, data, { opening, words: ranks, temperature, draw, write: goesOn }) {
  const words = data.openings[opening].split(" ").filter(Boolean);
  const steps = [];
  const add = ({ level, ranked }, rank) => {
    const [word] = ranked[rank];
    steps.push({ word, level, share: shares(ranked, temperature)[rank] });
    words.push(word);
  };
  for (const rank of ranks) add(after(model, words), rank);
  const own = [...words];
  const chance = mulberry32(draw);
  while (goesOn && !isWhole(words) && words.length < LONGEST) {
    const offered = after(model, words);
    add(offered, drawn(offered.ranked, temperature, chance()));
  }
  return {
    words,
    own: own.length,
    steps,
    bytes: bytes(joined(words)),
    ...judge(model, data, words),
    ...offer(model, own),
  };
}

/** What a sentence is, measured by the text. */
function judge(model, data, words) {
  const judged = { verdict: "open", sentence: 0, unknown: "", against: null };
  if (!isWhole(words)) return judged;
  const number = model.sentences.findIndex((sentence) => same(sentence, words)) + 1;
  if (number) return { ...judged, verdict: "copied", sentence: number };
  const unknown = words.slice(0, -1).find((word) => !model.followers.has(word));
  if (unknown) return { ...judged, verdict: "invented", unknown };
  const found = contradicted(model, data, words);
  if (!found) return { ...judged, verdict: "new" };
  const { ranked } = after(model, words.slice(0, found.start));
  const counted = shares(ranked, COUNTED);
  const shareOf = (wanted) => counted[ranked.findIndex(([word]) => word === wanted)] ?? 0;
  const against = { said: found.said, said_share: shareOf(found.said), true: found.true, true_share: shareOf(found.true) };
  return { ...judged, verdict: "false", sentence: found.sentence + 1, against };
}

/** The fact of the text that a sentence goes against. */
function contradicted({ sentences }, { facts }, words) {
  for (const [sentence, start, end, kind] of facts) {
    const mine = sentences[sentence];
    for (const [other, otherStart, otherEnd, otherKind] of facts) {
      const value = sentences[other].slice(otherStart, otherEnd);
      if (kind !== otherKind || same(value, mine.slice(start, end))) continue;
      const begins = [...mine.slice(0, start), ...value];
      const ends = [mine.slice(end), sentences[other].slice(otherEnd)];
      if (ends.some((rest) => same([...begins, ...rest], words))) return { sentence, start, said: value[0], true: mine[start] };
    }
  }
  return null;
}

/** The words that may come next, with their shares at every temperature. */
function offer(model, words) {
  if (isWhole(words) || words.length >= LONGEST) return { level: 0, next: [] };
  const { level, ranked } = after(model, words);
  const at = TEMPERATURES.map((temperature) => shares(ranked, temperature));
  return { level, next: ranked.map(([word, count], rank) => ({ word, count, shares: at.map((each) => each[rank]) })) };
}

function countBytes({ page }, guesses) {
  const right = Object.keys(page).filter((script) => guesses[script] === bytes(page[script]));
  return { right, all: right.length === Object.keys(page).length };
}

/** The same figures as NextWord.run on the server. */
export function run(data, choices, model = learn(data)) {
  return choices.part === "bytes" ? countBytes(data, choices.bytes) : compose(model, data, choices);
}

const percentText = (share) => `${percent(share) || "<1"}\u00a0%`;
const copyOf = (root, name) => root.querySelector(`template[data-${name}]`).content.firstElementChild.cloneNode(true);

function drawChips({ root, data }, { words, own }) {
  const chips = words.map((word, at) => {
    const chip = copyOf(root, "chip-row");
    write(chip, "word", word);
    write(chip, "bytes", bytes(word));
    if (at >= own) {
      chip.className = "written";
      write(chip, "by", data.words.by_machine);
    }
    return chip;
  });
  root.querySelector("[data-chips]").replaceChildren(...chips);
}

function looked({ words: told }, { words, own, level, next }) {
  const mine = words.slice(0, own);
  if (!next.length) return isWhole(mine) ? told.ended : told.too_long;
  if (level < 2) return say(told[`looked_${level}`], { words: mine.at(-1) });
  return say(told[["looked_start", "looked_first"][own] ?? "looked_2"], { words: mine.slice(-2).join(" ") });
}

function drawNext({ root, data }, { next }) {
  const rows = next.map(({ word, count, shares: each }, rank) => {
    const row = copyOf(root, "next-row");
    write(row, "word", isWhole([word]) ? data.words.full_stop : word);
    write(row, "times", say(data.words.times, { count }));
    row.querySelector("button").value = rank;
    row.querySelectorAll("td").forEach((cell, at) => {
      write(cell, "percent", percentText(each[at]));
      cell.querySelector("meter").value = each[at];
    });
    return row;
  });
  root.querySelector("[data-next]").replaceChildren(...rows);
  root.querySelector("[data-offered]").hidden = !rows.length;
}

function drawVerdict({ root, data }, { verdict, sentence, unknown, against }) {
  const values = { number: sentence, word: unknown, sentence: data.text[sentence - 1], ...against };
  if (against) for (const key of ["said_share", "true_share"]) values[key] = percentText(against[key]);
  const told = root.querySelector("[data-verdict]");
  told.hidden = verdict === "open";
  told.className = verdict === "false" ? "told bad" : "told";
  write(told, "verdict-title", data.words[`verdict_${verdict}`]);
  write(told, "verdict-text", say(data.words[`verdict_${verdict}_text`], values));
}

function addRun({ root, data }, choices, { words, verdict }) {
  const rows = root.querySelector("[data-runs]");
  const row = copyOf(root, "run");
  write(row, "number", Number(rows.lastElementChild?.querySelector("[data-number]").textContent ?? 0) + 1);
  write(row, "text", joined(words));
  write(row, "how", say(data.words[choices.write ? "how_written" : "how_chosen"], choices));
  write(row, "mark", data.words[`verdict_${verdict}`]);
  if (verdict === "false") row.querySelector("[data-mark]").className = "tag bad";
  rows.append(row);
  if (rows.childElementCount > SHOWN_RUNS) rows.firstElementChild.remove();
  root.querySelector("[data-after-run]").hidden = false;
}

function startSentence(lab) {
  const { root, data, form } = lab;
  const save = saver(lab);
  const model = learn(data);
  const ranks = [...(data.latest?.words ?? [])];
  form.elements.opening.value = data.latest?.opening ?? "blank"; // a reloaded page may still hold another choice

  /** Show the sentence as it now stands; a finished or written one is kept. */
  function show(goesOn) {
    const { opening, temperature, draw } = form.elements;
    const choices = { opening: opening.value, words: ranks, temperature: temperature.value, draw: Number(draw.value), write: goesOn };
    const figures = run(data, choices, model);
    form.elements.begun.value = choices.opening;
    form.elements.words.value = ranks.join(".");
    write(root, "sentence", joined(figures.words) || data.words.empty);
    write(root, "size", say(data.words.size, { count: figures.words.length, bytes: figures.bytes }));
    write(root, "looked", looked(data, figures));
    drawChips(lab, figures);
    drawVerdict(lab, figures);
    drawNext(lab, figures);
    if (!goesOn && figures.verdict === "open") return;
    addRun(lab, choices, figures);
    root.querySelector("[data-go]").value = goesOn ? "write" : "";
    save();
  }

  root.querySelector("[data-go]").disabled = false;
  form.elements.opening.addEventListener("change", () => {
    ranks.length = 0;
    show(false);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const pressed = event.submitter;
    if (pressed.name === "next") ranks.push(Number(pressed.value));
    else if (pressed.value === "back") ranks.pop();
    else if (pressed.value === "begin") ranks.length = 0;
    show(pressed.value === "write");
    // The button that was pressed is gone: go on from the first of the new ones.
    if (pressed.name === "next") (root.querySelector("[data-next] button") ?? root.querySelector('[value="back"]')).focus();
  });
}

function startBytes(lab) {
  const form = lab.root.querySelector("[data-bytes-form]");
  const save = saver({ ...lab, form });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const scripts = Object.keys(lab.data.page);
    const guesses = Object.fromEntries(scripts.map((script) => [script, Number(form.elements[`bytes-${script}`].value)]));
    const { right } = countBytes(lab.data, guesses);
    for (const empty of form.querySelectorAll('option[value=""]')) empty.remove();
    for (const script of scripts) {
      const mark = form.querySelector(`[data-guess="${script}"]`);
      mark.hidden = false;
      mark.className = right.includes(script) ? "tag good" : "tag wait";
      mark.textContent = right.includes(script) ? lab.data.words.guess_right : lab.data.words.guess_wrong;
    }
    save();
  });
}

const lab = findLab("next-word");
if (lab) {
  startSentence(lab);
  startBytes(lab);
}
