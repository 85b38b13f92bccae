/** What every practice lab's script shares: its part of the page, and runs saved in the background. */

const RETRY_AFTER = 20_000; // milliseconds
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

export const say = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Rounded down, so that 99.6 % does not look certain.
export const percent = (share) => Math.floor(100 * share);

/** The words of a text: what domain/labs/text.py sees on the server. */
export const tokens = (text) =>
  text.replace(/[\u200c\u200d]/g, "").normalize("NFC").toLowerCase().match(WORD) ?? [];

/** The lab's section with its data, or null on a page without it. */
export function findLab(name) {
  const root = globalThis.document?.querySelector(`[data-lab="${name}"]`);
  if (!root) return null;
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  for (const part of root.querySelectorAll("[data-script-only]")) part.hidden = false;
  root.querySelector("[data-print]")?.addEventListener("click", () => window.print());
  return { root, data, form: root.querySelector("form") };
}

/** Put text into the one element inside `part` that is marked data-<slot>. */
export const write = (part, slot, text) => {
  part.querySelector(`[data-${slot}]`).textContent = text;
};

/** Show what is still to do, as the server's answer lists it. */
function drawTasks({ root, data }, answer) {
  for (const task of answer.todo) {
    const row = root.querySelector(`[data-task="${task.code}"]`);
    const met = task.state === "met";
    row.className = met ? "met" : "miss";
    row.querySelector("[data-state]").className = met ? "tag good" : "tag wait";
    write(row, "state", data.words[`state_${task.state}`]);
    write(row, "why", task.why_text);
  }
  root.querySelector("[data-reached]").hidden = !answer.reached;
  const count = answer.todo.filter(({ state }) => state === "met").length;
  if (data.words.tasks_done) write(root, "tasks-done", say(data.words.tasks_done, { count, of: answer.todo.length }));
}

/**
 * Returns a function that saves the form as it stands; runs wait their turn, and for the network. Where a lab has
 * several forms, the one to save is given; each has its own line that tells how saving goes. `answered` is given the
 * server's answer to each run.
 */
export function saver(lab, answered = () => {}) {
  const { root, data, form } = lab;
  const waiting = [];
  let busy = false;
  let line = root.querySelector("[data-saved]");
  const tell = (code, values) => (line.textContent = say(data.words[code], values));

  async function send() {
    if (busy || !waiting.length) return;
    busy = true;
    tell("saving");
    const answer = await post(form.getAttribute("action"), waiting[0]);
    busy = false;
    if (answer === "later") {
      tell("waiting", { count: waiting.length });
      setTimeout(send, RETRY_AFTER);
      return;
    }
    waiting.shift();
    if (answer === "refused") return tell("refused");
    drawTasks(lab, answer);
    answered(answer);
    tell("saved", { time: new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) });
    send();
  }

  addEventListener("online", send);
  addEventListener("beforeunload", (event) => {
    if (waiting.length) event.preventDefault();
  });
  return (given = form) => {
    waiting.push(new URLSearchParams(new FormData(given)));
    line.textContent = "";
    line = given.querySelector("[data-saved]") ?? line;
    send();
  };
}

/** The server's answer; "later" where trying again makes sense, "refused" where it does not. */
async function post(address, body) {
  try {
    // A redirect leads to the sign-in page: it is an answer, not a place to send the run to.
    const response = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
    if (response.status >= 500 || response.headers.has("Retry-After")) return "later";
    return response.ok ? await response.json() : "refused";
  } catch (failure) {
    return failure instanceof SyntaxError ? "refused" : "later";
  }
}

/** A count as it is written in India: 1,00,000. */
export const grouped = (count) => count.toLocaleString("en-IN");

/** Numbers from 0 to below 1, the same for the same seed: what domain/labs/chance.py draws on the server. */
export function mulberry32(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) | 0;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
