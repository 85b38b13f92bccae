/** A lesson's checks are answered in place. Without this script the page is loaded again, with the same result. */

const wide = matchMedia("(min-width: 62rem)");
for (const outline of document.querySelectorAll("[data-outline]")) outline.open = wide.matches;

document.querySelector(".summary")?.focus();

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-check]");
  if (form) delete form.dataset.act; // another answer is another act
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-check]")) return;
  event.preventDefault();
  check(event.target);
});

async function check(form) {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  // A repeat after a lost answer carries the same id, and the server keeps it once.
  form.dataset.act ??= newId();
  const body = new URLSearchParams(new FormData(form));
  body.set("act_id", form.dataset.act);
  body.set("said_at", new Date().toISOString());
  const headers = { Accept: "text/html", "X-Fragment": "1" };
  try {
    const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers, redirect: "manual" });
    if (response.status === 200 || response.status === 422) show(form, await response.text());
    else form.submit(); // signed out, or an error: its own page says so best
  } catch {
    tellNoNetwork(form);
  } finally {
    form.ariaBusy = "false";
  }
}

/** Puts the marked check in the place of the old one and leads to what is said about the answer. */
function show(form, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const marked = holder.content.querySelector("form");
  // Otherwise the browser holds still what stands below the check, and the check itself jumps.
  const { style } = document.documentElement;
  style.overflowAnchor = "none";
  form.replaceWith(marked);
  const first = marked.querySelector(".error") ? marked.querySelector("fieldset input") : marked.querySelector(".told");
  first?.focus({ preventScroll: true });
  first?.scrollIntoView({ block: "nearest" });
  style.overflowAnchor = "";
}

function tellNoNetwork(form) {
  let told = form.querySelector("[data-no-network]");
  if (!told) {
    told = document.createElement("p");
    told.className = "error";
    told.dataset.noNetwork = "";
    told.role = "alert";
    form.append(told);
  }
  told.textContent = form.dataset.saidNoNetwork;
}

/** 32 random hex digits. crypto.randomUUID is missing on plain http, where some offices run this. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
