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
  const before = document.querySelectorAll("[data-live]").length;
  for (const part of document.querySelectorAll("[data-live]")) replace(part, page.getElementById(part.id));
  if (before !== page.querySelectorAll("[data-live]").length) return location.reload();
  follow(page);
  if (page.querySelector("[data-pending]")) setTimeout(refresh, SOON, address);
}

function replace(part, fresh) {
  if (fresh === null || content(part) === content(fresh)) return;
  if ("list" in part.dataset) return replaceEach(part, fresh);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && markOf(focused);
  const opened = new Set([...part.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  const ticked = new Set([...part.querySelectorAll("input:checked")].map((box) => box.value));
  part.replaceChildren(...fresh.childNodes);
  for (const name of ["data-at", "data-steps"]) {
    if (fresh.hasAttribute(name)) part.setAttribute(name, fresh.getAttribute(name));
  }
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
  for (const one of part.querySelectorAll("details")) one.open = opened.has(one.dataset.key);
  if (mark) {
    const again = [...part.querySelectorAll("a, button, input, summary")];
    (again.find((one) => markOf(one) === mark) ?? again[0])?.focus();
  }
}

// Parts of a list have names: one in which nothing changed stays as it is being read.
function replaceEach(list, fresh) {
  const wanted = [...fresh.children];
  const names = new Set(wanted.map((one) => one.id));
  for (const part of [...list.children]) if (!names.has(part.id)) part.remove();
  wanted.forEach((one, place) => {
    const part = list.children[place];
    if (part?.id === one.id) replace(part, one);
    else list.insertBefore(one, part ?? null);
  });
}

function content(part) {
  const copy = part.cloneNode(true);
  for (const one of copy.querySelectorAll("details[open]")) one.removeAttribute("open");
  return copy.innerHTML;
}

function markOf(element) {
  return element.id || element.getAttribute("rel") || element.parentElement.dataset.key || element.textContent;
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
  for (const field of document.querySelectorAll("[data-follow]")) {
    const fresh = page.getElementById(field.id);
    if (!fresh) continue;
    field.max = fresh.max;
    if (document.activeElement !== field) field.value = fresh.value;
  }
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
