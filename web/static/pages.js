// Warns when a page is no longer refreshed, asks before destructive actions, shows evidence, and copies ids.
"use strict";

const stale = document.getElementById("stale");

document.addEventListener("htmx:after:request", (event) => {
  const status = event.detail?.ctx?.response?.raw?.status ?? 0;
  stale.hidden = status > 0 && status < 400;
});

document.addEventListener("htmx:error", () => {
  stale.hidden = false;
});

// a hidden tab does not poll
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.detail?.ctx?.sourceEvent?.type === "every") event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) event.preventDefault();
});

// the browser opens evidence by tap and keyboard; this opens it under a mouse pointer too
document.addEventListener("pointerover", (event) => {
  const button = event.target.closest?.("button.value");
  if (button && event.pointerType === "mouse") {
    const shown = document.getElementById(button.getAttribute("popovertarget"));
    if (!shown.matches(":popover-open")) shown.showPopover({ source: button });
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button.id");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.value);
    const copied = document.getElementById("copied");
    copied.textContent = `Copied ${button.value}`;
    setTimeout(() => { copied.textContent = ""; }, 3000);
  } catch {
    // without TLS there is no clipboard: show the whole id, selected
    button.textContent = button.value;
    window.getSelection().selectAllChildren(button);
  }
});
