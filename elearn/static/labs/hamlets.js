/** Practice lab 9 in the page: groups and draws at once what domain/labs/hamlets.py groups and draws on the server. */

import { findLab, mulberry32, saver, say, write } from "./frame.js";

const NOWHERE = -1; // the group of a house in no group
const LEAST = 4;
const LARGE = 20;
const ROUNDS = 100;
const GRID = 250;
const REACH = 500;
const SHOWN_PLANS = 20;
const COLUMNS = "ABCDEFGHIJKLMNO";
const ROWS = 11;
const SVG = "http://www.w3.org/2000/svg";

const range = (count) => Array.from({ length: count }, (_, at) => at);
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
const letter = (group) => COLUMNS[group];

/** The square of the distance. */
const apart = ([x, y], [toX, toY]) => (x - toX) * (x - toX) + (y - toY) * (y - toY);

/** Where a site of the grid is: B3 is 500 m from the west and 750 m from the north. */
const site = (name) => [(COLUMNS.indexOf(name[0]) + 1) * GRID, Number(name.slice(1)) * GRID];

const places = ({ settlements }) => settlements.flatMap(({ houses }, place) => range(houses).map(() => place));

/** The homesteads by house number: the last settlement. */
function homesteads({ houses, settlements }) {
  const count = settlements.at(-1).houses;
  return range(count).map((at) => houses.length - count + at);
}

/** DBSCAN. */
function groupedByDistance(houses, distance) {
  const all = range(houses.length);
  const near = houses.map((here) => all.filter((other) => apart(here, houses[other]) <= distance * distance));
  const groups = houses.map(() => NOWHERE);
  let count = 0;
  for (const house of all) {
    if (groups[house] !== NOWHERE || near[house].length < LEAST) continue;
    const waiting = [house];
    while (waiting.length) {
      const one = waiting.pop();
      if (groups[one] !== NOWHERE) continue;
      groups[one] = count;
      if (near[one].length >= LEAST) waiting.push(...near[one]);
    }
    count += 1;
  }
  return groups;
}

/** k-means; a house as near to two centres goes to the earlier one. */
function groupedAroundCentres(houses, count, start) {
  const draw = mulberry32(start);
  const drawn = [];
  while (drawn.length < count) {
    const house = Math.floor(draw() * houses.length);
    if (!drawn.includes(house)) drawn.push(house);
  }
  let centres = drawn.map((house) => houses[house]);
  let groups = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    groups = houses.map((house) => {
      const squares = centres.map((centre) => apart(house, centre));
      return squares.indexOf(Math.min(...squares));
    });
    const middles = centres.map((before, group) => middle(housesOf(houses, groups, group), before));
    if (String(middles) === String(centres)) break;
    centres = middles;
  }
  return { groups, centres };
}

const housesOf = (houses, groups, group) => houses.filter((_, at) => groups[at] === group);

const middle = (houses, before) =>
  houses.length ? [0, 1].map((axis) => sum(houses.map((house) => house[axis])) / houses.length) : before;

const sizesOf = (groups) => range(Math.max(...groups) + 1).map((group) => groups.filter((one) => one === group).length);

const fundedOf = (sizes) => sum(sizes.filter((size) => size >= LARGE));

function density(data, { eps }) {
  const groups = groupedByDistance(data.houses, eps);
  const sizes = sizesOf(groups);
  return {
    groups,
    sizes,
    left_out: groups.filter((group) => group === NOWHERE).length,
    homesteads: homesteads(data).filter((house) => groups[house] === NOWHERE).length,
    funded: fundedOf(sizes),
  };
}

function kmeans(data, { k, start }) {
  const { groups, centres } = groupedAroundCentres(data.houses, k, start);
  const sizes = sizesOf(groups);
  const made_of = sizes.map(() => data.settlements.map(() => 0));
  places(data).forEach((place, house) => (made_of[groups[house]][place] += 1));
  return {
    groups,
    centres,
    sizes,
    made_of,
    parts: made_of.map(([road]) => road).filter(Boolean),
    far: homesteads(data).map((house) => Math.sqrt(apart(data.houses[house], centres[groups[house]]))),
    funded: fundedOf(sizes),
  };
}

function water(data, { sites }) {
  const points = sites.map(site);
  const served = range(data.houses.length).filter((house) =>
    points.some((point) => apart(data.houses[house], point) <= REACH * REACH),
  );
  const where = places(data);
  const by_place = data.settlements.map((_, place) => served.filter((house) => where[house] === place).length);
  return {
    served,
    houses: served.length,
    by_place,
    grouped: served.length - by_place.at(-1),
    homesteads: by_place.at(-1),
    far: homesteads(data).map((house) =>
      Math.sqrt(Math.min(...points.map((point) => apart(data.houses[house], point)))),
    ),
  };
}

/** The same figures as Hamlets.run on the server. */
export const run = (data, choices) => ({ density, kmeans, water })[choices.step](data, choices);

// What is drawn: paths {css, d} and texts {css, x, y, text}, in metres.

const path = (css, shape, points) => ({ css, d: points.map(([x, y]) => `M${x} ${y}${shape}`).join("") });

const ring = (r) => `m${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

const lookOf = (shapes, group) => `mark g${group % 5}${group >= shapes.length ? " hollow" : ""}`;

const marked = ({ shapes }, group, points) => path(lookOf(shapes, group), shapes[group % shapes.length], points);

const groupedMarks = (data, { groups, sizes }) =>
  sizes.map((_, group) => marked(data, group, housesOf(data.houses, groups, group)));

const named = (data) =>
  homesteads(data).map((house, number) => {
    const [x, y] = data.houses[house];
    const place = x < 3600 ? { css: "name", x: x + 50 } : { css: "name end", x: x - 50 };
    return { ...place, y: y + 40, text: `H${number + 1}` };
  });

function densityPicture(data, { eps }, figures) {
  const leftOut = housesOf(data.houses, figures.groups, NOWHERE);
  const letters = figures.sizes.map((_, group) => {
    const [xs, ys] = [0, 1].map((axis) => housesOf(data.houses, figures.groups, group).map((house) => house[axis]));
    const x = Math.floor((Math.min(...xs) + Math.max(...xs)) / 2);
    return { css: "letter", x, y: Math.min(...ys) - 60, text: letter(group) };
  });
  const crosses = path("mark out", "m-32-32l64 64m0-64l-64 64", leftOut);
  return [path("ring", ring(eps), leftOut), ...groupedMarks(data, figures), crosses, ...letters, ...named(data)];
}

function kmeansPicture(data, _, figures) {
  const centres = figures.centres.map((centre) => centre.map(Math.round));
  const ways = homesteads(data).map((house) => {
    const [[x, y], [toX, toY]] = [data.houses[house], centres[figures.groups[house]]];
    return `M${x} ${y}L${toX} ${toY}`;
  });
  const letters = centres.map(([x, y], group) => ({ css: "letter", x, y: y - 80, text: letter(group) }));
  return [
    { css: "way", d: ways.join("") },
    ...groupedMarks(data, figures),
    path("centre", "m-60 0h120m-60-60v120", centres),
    ...letters,
    ...named(data),
  ];
}

function waterPicture(data, { sites }, { served }) {
  const points = sites.map(site);
  const alone = homesteads(data);
  const grouped = range(alone[0]);
  const marks = [["mark far", false], ["mark near", true]].flatMap(([css, inside]) =>
    [[data.shapes[0], grouped], [data.shapes[2], alone]].map(([shape, numbers]) =>
      path(css, shape, numbers.filter((house) => served.includes(house) === inside).map((house) => data.houses[house])),
    ),
  );
  const names = points.map(([x, y], at) => ({ css: "letter", x, y: y + 175, text: `P${at + 1}` }));
  return [
    path("reach", ring(REACH), points),
    ...marks,
    path("site", "m0-50l50 50l-50 50l-50-50z", points),
    ...names,
    ...named(data),
  ];
}

// What is said and listed beside the map: {says, picture, tables}. `tried` holds choices and figures, each choice once.

/** Rounded up, so that nothing looks nearer than a limit that it misses. */
const metres = ({ words }, count) => say(words.metres, { count: Math.ceil(count).toLocaleString("en-IN") });

/** With one digit behind the point, rounded down. */
const percentOf = (part, whole) => (Math.floor((1000 * part) / whole) / 10).toFixed(1);

const row = (...cells) => ({ mark: null, cells: cells.map(String) });

const groupRow = (data, group, ...cells) => ({ ...row(letter(group), ...cells), mark: marked(data, group, [[0, 0]]) });

const homesteadRows = (data, cells) => homesteads(data).map((house, at) => row(`H${at + 1}`, ...cells(house, at)));

function nearest({ houses }, homestead) {
  const squares = houses.filter((_, other) => other !== homestead).map((house) => apart(house, houses[homestead]));
  return Math.sqrt(Math.min(...squares));
}

function densityShown(data, [choices, figures], tried) {
  const { words } = data;
  const told = { ...figures, eps: choices.eps, groups: figures.sizes.length };
  const leftOutAt = (house) => {
    const distances = tried.filter(([, made]) => made.groups[house] === NOWHERE).map(([one]) => one.eps);
    return distances.length ? say(words.metres, { count: distances.join(", ") }) : "–";
  };
  return {
    says: { headline: say(words.density_headline, told), detail: say(words.density_detail, told) },
    picture: densityPicture(data, choices, figures),
    tables: {
      groups: [
        ...figures.sizes.map((size, group) => groupRow(data, group, size, size >= LARGE ? words.yes : words.no)),
        row(words.none, figures.left_out, "–"),
      ],
      homesteads: homesteadRows(data, (house) => [metres(data, nearest(data, house)), leftOutAt(house)]),
      tried: tried.map(([one, made]) =>
        row(metres(data, one.eps), made.sizes.length, made.left_out, made.homesteads, made.funded),
      ),
    },
  };
}

const partsOf = ({ parts }) => parts.join(" + ");

function kmeansShown(data, [choices, figures], tried) {
  const { words } = data;
  const { parts, groups, sizes, far, funded } = figures;
  const told = { ...choices, cuts: parts.length, parts: partsOf(figures), funded, far: metres(data, Math.max(...far)) };
  return {
    says: { headline: say(words.kmeans_headline, told), detail: say(words.kmeans_detail, told) },
    picture: kmeansPicture(data, choices, figures),
    tables: {
      groups: figures.made_of.map((counts, group) => groupRow(data, group, ...counts, sizes[group])),
      homesteads: homesteadRows(data, (house, at) => [letter(groups[house]), metres(data, far[at])]),
      tried: tried.map(([one, made]) => row(one.k, one.start, partsOf(made), made.funded)),
    },
  };
}

function waterShown(data, [choices, figures], tried) {
  const { words } = data;
  const percents = {
    all: percentOf(figures.houses, data.houses.length),
    grouped: percentOf(figures.grouped, homesteads(data)[0]),
  };
  const says = {};
  for (const code of ["all", "grouped", "homesteads"]) {
    says[code] = say(words[`water_${code}`], figures);
    const values = { percent: percents[code], sites: choices.sites.join(", ") };
    says[`${code}-detail`] = say(words[`water_${code}_detail`], values);
  }
  return {
    says,
    picture: waterPicture(data, choices, figures),
    tables: {
      places: data.settlements.map(({ houses, name }, place) => row(name, houses, figures.by_place[place])),
      homesteads: homesteadRows(data, (house, at) => [
        metres(data, figures.far[at]),
        figures.served.includes(house) ? words.yes : words.no,
      ]),
      tried: tried
        .slice(-SHOWN_PLANS)
        .map(([one, made]) => row(one.sites.join(", "), made.houses, made.grouped, made.homesteads)),
    },
  };
}

/** All that a step shows after a run, as `_step` on the server puts it together. */
export function shown(data, choices, tried) {
  const runs = tried.map((one) => [one, run(data, one)]);
  const show = { density: densityShown, kmeans: kmeansShown, water: waterShown }[choices.step];
  return show(data, [choices, run(data, choices)], runs);
}

// The page

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.textContent = text;
  return made;
}

function drawPicture(part, picture) {
  const drawn = picture.map(({ css, d, x, y, text }) =>
    text ? element("text", { class: css, x, y }, text) : element("path", { class: css, d }),
  );
  part.querySelector("[data-drawn]").replaceChildren(...drawn);
}

function drawnRow({ mark, cells }) {
  const made = document.createElement("tr");
  cells.forEach((cell, at) => {
    const box = document.createElement(at ? "td" : "th");
    box.textContent = cell;
    made.append(box);
  });
  made.firstChild.scope = "row";
  if (mark) {
    const look = element("svg", { class: "lab-mark", viewBox: "-50 -50 100 100", "aria-hidden": "true" });
    look.append(element("path", { class: mark.css, d: mark.d }));
    made.firstChild.prepend(look, " ");
  }
  return made;
}

function draw(part, { says, picture, tables }) {
  for (const [slot, sentence] of Object.entries(says)) write(part, slot, sentence);
  drawPicture(part, picture);
  for (const [name, rows] of Object.entries(tables)) {
    part.querySelector(`[data-rows="${name}"]`).replaceChildren(...rows.map(drawnRow));
  }
  for (const hidden of part.querySelectorAll("[data-after-run]")) hidden.hidden = false;
}

const sitesIn = ({ elements }) =>
  [1, 2].map((number) => elements[`column-${number}`].value + elements[`row-${number}`].value);

function readChoices(form) {
  const { elements } = form;
  const step = elements.step.value;
  if (step === "density") return { step, eps: Number(elements.eps.value) };
  if (step === "kmeans") return { step, k: Number(elements.k.value), start: Number(elements.start.value) };
  return { step, sites: sitesIn(form) };
}

/** Settings are listed by size, plans as they come. */
const before = (one, other) => one.eps - other.eps || one.k - other.k || one.start - other.start || 0;

function remember(tried, choices) {
  const same = (one) => JSON.stringify(readable(one)) === JSON.stringify(readable(choices));
  if (!tried.some(same)) tried.push(choices);
  tried.sort(before);
}

/** In one order of names: the server keeps choices in its database, which may order them anew. */
const readable = ({ step, eps, k, start, sites }) => [step, eps, k, start, sites];

/** The map follows the points at once, also while only one of them has its place. */
function movePoints({ data }, part, form) {
  const sites = sitesIn(form).filter((name) => /^[A-O]\d/.test(name));
  drawPicture(part, waterPicture(data, { sites }, water(data, { sites })));
}

/** Put the chosen point on the site nearest to where the map was touched. */
function tapped(part, form, event) {
  const frame = part.querySelector("[data-map] rect").getBoundingClientRect();
  const share = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
  const [column, line] = [COLUMNS.length, ROWS].map((most, axis) =>
    Math.min(most, Math.max(1, Math.round(share[axis] * (most + 1)))),
  );
  const taps = [...part.querySelectorAll("[name=tap]")];
  const number = taps.find((tap) => tap.checked).value;
  form.elements[`column-${number}`].value = COLUMNS[column - 1];
  form.elements[`row-${number}`].value = String(line);
  // While the other point has no place yet, the next touch is for it.
  const open = sitesIn(form).findIndex((name) => !/^[A-O]\d/.test(name));
  if (open >= 0) taps[open].checked = true;
}

function start(lab) {
  const { root, data } = lab;
  const save = saver(lab);
  for (const part of root.querySelectorAll("[data-step]")) {
    const form = part.querySelector("form");
    const tried = data.tried[part.dataset.step];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const choices = readChoices(form);
      remember(tried, choices);
      draw(part, shown(data, choices, tried));
      save(form);
    });
    if (part.dataset.step !== "water") continue;
    form.addEventListener("change", () => movePoints(lab, part, form));
    part.querySelector("[data-map]").addEventListener("click", (event) => {
      tapped(part, form, event);
      movePoints(lab, part, form);
    });
  }
}

const lab = findLab("hamlets");
if (lab) start(lab);
