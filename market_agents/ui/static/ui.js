// What the live page does with a script; all of it can be read without one.
"use strict";

const SOON = 250; // milliseconds until a page that is still being counted is asked for again
const body = document.body;
const connection = document.getElementById("connection");

// ---- Parts of the page are replaced by those of the same page as the server has it now ----

let newest = 0;

async function refresh(address) {
  const mine = ++newest;
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.redirected) return location.reload(); // the token is asked for
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== newest) return; // a later one is on its way
  body.dataset.version = page.body.dataset.version ?? "";
  if ("whole" in body.dataset) return;
  const before = document.querySelectorAll("[data-live]").length;
  for (const part of document.querySelectorAll("[data-live]")) replace(part, page.getElementById(part.id));
  if (before !== page.querySelectorAll("[data-live]").length) return location.reload();
  follow(page);
  if (page.querySelector("[data-pending]")) setTimeout(refresh, SOON, address);
}

function replace(part, fresh) {
  if (fresh === null || part.innerHTML === fresh.innerHTML) return;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && (focused.id || focused.getAttribute("rel") || focused.textContent);
  const ticked = new Set([...part.querySelectorAll("input:checked")].map((box) => box.value));
  part.replaceChildren(...fresh.childNodes);
  for (const name of ["data-at", "data-steps"]) {
    if (fresh.hasAttribute(name)) part.setAttribute(name, fresh.getAttribute(name));
  }
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
  if (mark) {
    const again = [...part.querySelectorAll("a, button, input")];
    (again.find((one) => (one.id || one.getAttribute("rel") || one.textContent) === mark) ?? again[0])?.focus();
  }
}

// ---- Changes are told by the server ----

let source = null;

function watch() {
  if (!body.dataset.watch || source) return;
  source = new EventSource(body.dataset.watch);
  source.addEventListener("open", () => say(""));
  source.addEventListener("state", (event) => {
    const told = JSON.parse(event.data);
    if (told.version === body.dataset.version) return;
    if ("whole" in body.dataset) return say("This run went on: reload to see more");
    refresh(location.href);
  });
  source.addEventListener("gone", () => { say("This run is not there any more"); unwatch(); });
  source.addEventListener("error", () => say("No connection: trying again"));
}

function unwatch() {
  source?.close();
  source = null;
}

function say(text) {
  if (connection.textContent !== text) connection.textContent = text;
}

// A browser has few connections for one address: a page that nobody sees gives its own back.
document.addEventListener("visibilitychange", () => (document.hidden ? unwatch() : watch()));
addEventListener("pagehide", unwatch);
addEventListener("pageshow", watch);
watch();
if (document.querySelector("[data-pending]")) setTimeout(refresh, SOON, location.href);

// ---- The slider ----

const slider = document.querySelector("[data-slider] input[type=range]");

function go(step) {
  const address = new URL(location.href);
  address.searchParams.set("at", step);
  slider.value = step;
  history.replaceState(null, "", address);
  refresh(address.href);
}

function follow(page) {
  const fresh = page.getElementById("at");
  if (!slider || !fresh) return;
  slider.max = fresh.max;
  if (document.activeElement !== slider) slider.value = fresh.value;
}

if (slider) {
  slider.addEventListener("input", () => go(slider.value));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-step]") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(link.dataset.step);
  });
}

// ---- Light and dark ----

const theme = document.getElementById("theme");
const THEMES = ["auto", "light", "dark"];

function show(name) {
  theme.textContent = `Theme: ${name}`;
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

show(document.documentElement.dataset.theme ?? "auto");
theme.hidden = false;
theme.addEventListener("click", () => {
  const present = document.documentElement.dataset.theme ?? "auto";
  const next = THEMES[(THEMES.indexOf(present) + 1) % THEMES.length];
  show(next);
  try { localStorage.setItem("theme", next); } catch { /* it holds for this page only */ }
});

// ---- Commands can be copied ----

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  if (!button || !navigator.clipboard) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  button.textContent = "Copied";
});
