// What a page does besides htmx: say whether it is live, and let "/" reach the search.
"use strict";
(() => {
  const say = (word, on) => {
    const place = document.getElementById("live");
    if (!place) return;
    place.classList.toggle("on", on);
    document.getElementById("live-word").textContent = word;
  };
  document.addEventListener("htmx:sse:after:connection", () => say("live", true));
  document.addEventListener("htmx:sse:error", () => say("reconnecting", false));
  document.addEventListener("htmx:sse:close", () => say("not live", false));
  document.addEventListener("htmx:sse:before:connection", () => say("connecting", false));

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    document.getElementById("find").focus();
  });
})();
