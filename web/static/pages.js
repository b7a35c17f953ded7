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

// where a value was read: by tap and keyboard as the browser does it, and while a mouse points at it
document.addEventListener("pointerover", (event) => {
  const button = event.target.closest?.("button[popovertarget]");
  if (button && event.pointerType === "mouse") {
    const shown = document.getElementById(button.getAttribute("popovertarget"));
    if (!shown.matches(":popover-open")) shown.showPopover({ source: button });
  }
});
