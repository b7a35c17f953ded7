// Says when what is shown is no longer brought up to date, and asks before what cannot be taken back.
"use strict";

const stale = document.getElementById("stale");

document.addEventListener("htmx:after:request", (event) => {
  const status = event.detail?.ctx?.response?.raw?.status ?? 0;
  stale.hidden = status > 0 && status < 400;
});

document.addEventListener("htmx:error", () => {
  stale.hidden = false;
});

// a page that nobody looks at asks for nothing
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.detail?.ctx?.sourceEvent?.type === "every") event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) event.preventDefault();
});
