/**
 * An attempt: each answer is sent as it is given and kept on the device until the server has it.
 * Without this script the same form is saved and submitted by its buttons.
 */

const form = document.getElementById("attempt");
const { dataset } = form;
const saved = form.querySelector("[data-saved]");
const KEY = `attempt/${dataset.attempt}`;
const FIRST_WAIT = 2_000; // milliseconds
const LONGEST_WAIT = 60_000;
const TYPING_PAUSE = 1_000;
const KEPT_DAYS = 7;

/** Answers the server has not acknowledged: question id -> {values, at}. */
const waiting = new Map(Object.entries(remembered()));
/** What the server has told of already, as one string for each question: the same is not sent twice. */
const known = new Map();
let busy = false;
let wait = FIRST_WAIT;
let timer = 0;
let leaving = false;
let saving; // lets go of the answers that are on their way
let endsAt; // by this device's clock, milliseconds

// Saving goes by itself from here on.
form.querySelector("[data-save-button]").hidden = true;
document.querySelector(".summary")?.focus();
forgetOld();
restore();
countDown();
send();

form.addEventListener("change", (event) => give(event.target.name));
form.addEventListener("input", (event) => {
  if (event.target.type !== "text") return;
  clearTimeout(event.target.pause);
  event.target.pause = setTimeout(give, TYPING_PAUSE, event.target.name);
});
form.addEventListener("keydown", (event) => {
  // Enter means "save this" and must neither submit nor load the page again.
  if (event.key !== "Enter" || event.target.type !== "text") return;
  event.preventDefault();
  give(event.target.name);
});
form.addEventListener("submit", () => {
  leaving = true; // the form carries every answer; one that arrived after it would be refused
  saving?.abort();
});
addEventListener("online", () => {
  wait = FIRST_WAIT;
  send();
});
addEventListener("beforeunload", (event) => {
  if (waiting.size && !leaving) event.preventDefault();
});
addEventListener("pageshow", () => {
  leaving = false;
  send();
});

function give(question) {
  const values = new FormData(form).getAll(question);
  if ((waiting.get(question)?.values.join() ?? known.get(question)) === values.join()) return;
  waiting.set(question, { values, at: new Date().toISOString() });
  remember();
  send();
}

async function send() {
  clearTimeout(timer);
  if (busy || !waiting.size || leaving) return;
  busy = true;
  say(dataset.saidSaving);
  const sent = new Map(waiting);
  const answer = await post(sent);
  busy = false;
  if (leaving) return;
  if (answer === "later") {
    say(dataset.saidWaiting.replace("{count}", waiting.size));
    timer = setTimeout(send, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  } else if (answer === "signed-out") say(dataset.saidSignedOut);
  else if (answer === "refused") say(dataset.saidRefused);
  else if (answer === "over") {
    forget();
    location.reload();
  } else acknowledged(sent, answer);
}

/** The server has these answers; what changed meanwhile stays waiting and goes next. */
function acknowledged(sent, answer) {
  wait = FIRST_WAIT;
  for (const [question, given] of sent) {
    if (waiting.get(question) === given) waiting.delete(question);
    known.set(question, given.values.join());
    tellError(question, answer.errors[question] ?? "");
  }
  remember();
  const [unreadable] = Object.values(answer.errors);
  say(unreadable ?? dataset.saidSaved.replace("{time}", answer.saved_at));
  if (answer.seconds_left !== null) endsAt = Date.now() + 1000 * answer.seconds_left;
  send();
}

async function post(answers) {
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  for (const [question, { values, at }] of answers) {
    body.append("answer_of", question);
    for (const value of values) body.append(question, value);
    body.set("said_at", at);
  }
  try {
    const headers = { Accept: "application/json" };
    saving = new AbortController();
    const { signal } = saving;
    const response = await fetch(dataset.save, { method: "POST", body, headers, redirect: "manual", signal });
    if (response.type === "opaqueredirect") return "signed-out";
    if (response.status >= 500 || response.status === 429) return "later";
    if (response.status === 409) return "over";
    if (response.status === 400) return "signed-out"; // signed in again elsewhere: this page's token is old
    return response.ok ? await response.json() : "refused";
  } catch {
    return "later";
  }
}

function tellError(question, sentence) {
  const input = document.getElementById(`answer-${question}`);
  const id = `error-${question}`;
  let told = document.getElementById(id);
  if (!sentence) {
    told?.remove();
    input?.removeAttribute("aria-invalid");
    return;
  }
  if (!told) {
    told = document.createElement("p");
    told.id = id;
    told.className = "error";
    input.closest("fieldset").before(told);
  }
  told.textContent = sentence;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", id);
}

function say(sentence) {
  saved.textContent = sentence;
}

/** Puts answers that were kept on this device back into the form. */
function restore() {
  for (const [question, { values }] of waiting) {
    for (const control of form.elements) {
      if (control.name !== question) continue;
      if (control.type === "text") control.value = values[0] ?? "";
      else control.checked = values.includes(control.value);
    }
  }
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}").answers ?? {};
  } catch {
    return {}; // no storage, or not ours: the server's answers are on the page already
  }
}

function remember() {
  if (!waiting.size) return forget();
  try {
    localStorage.setItem(KEY, JSON.stringify({ at: Date.now(), answers: Object.fromEntries(waiting) }));
  } catch {
    // A full or forbidden storage: the answers still wait in this page.
  }
}

function forget() {
  waiting.clear();
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was kept then.
  }
}

/** Answers to attempts that were never sent are not kept for ever on a shared computer. */
function forgetOld() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith("attempt/") || key === KEY) continue;
      if (Date.now() - JSON.parse(localStorage.getItem(key)).at > KEPT_DAYS * 86_400_000) localStorage.removeItem(key);
    }
  } catch {
    // Nothing was kept then.
  }
}

/** The end comes from the server; the device only counts down to it, by the minute until the last one. */
function countDown() {
  const shown = form.querySelector("[data-left]");
  if (!shown) return;
  endsAt ??= Date.now() + 1000 * Number(dataset.secondsLeft);
  const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  const minutes = Math.ceil(left / 60);
  if (left > 60) shown.textContent = dataset.saidLeft.replace("{minutes}", minutes);
  else shown.textContent = left ? dataset.saidLast.replace("{seconds}", left) : dataset.saidUp;
  if (left) setTimeout(countDown, left > 60 ? 1000 * (left - 60 * (minutes - 1)) : 1000);
  else submitAll();
}

/** At the end everything on the page is submitted as it stands; the server allows for a slow line. */
function submitAll() {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: "time_up", value: "yes" });
  form.append(field);
  form.requestSubmit();
}
