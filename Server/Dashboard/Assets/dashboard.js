// All that runs in the browser: copy buttons, and pages that follow what happens. Without it everything still works.
"use strict";
(() => {
  const setUp = root => root.querySelectorAll("button.copy[hidden]").forEach(button => { button.hidden = !navigator.clipboard; });
  document.addEventListener("click", async event => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
    } catch { /* not allowed here: the whole id is in the title */ }
  });
  setUp(document);

  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  let isLoading = false;
  // Whoever fills in a form, reads a box he opened or marks text is left alone.
  const isBusy = () => main.querySelector("details[open], input:checked") || main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, summary") ||
    !document.getSelection().isCollapsed;
  const refresh = async () => {
    if (isLoading || document.hidden || isBusy()) return;
    isLoading = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (fresh && fresh.innerHTML !== main.dataset.shown && !isBusy()) {
        main.dataset.shown = fresh.innerHTML;
        const notice = main.querySelector(":scope > .notice");
        if (notice) fresh.prepend(notice);
        const focused = main.contains(document.activeElement) && document.activeElement.getAttribute("href");
        main.replaceChildren(...fresh.childNodes);
        setUp(main);
        if (!fresh.hasAttribute("data-live")) source.close();
        if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      }
    } catch { /* the next event tries again */ } finally {
      isLoading = false;
    }
  };
  const source = new EventSource("/live?seen=" + encodeURIComponent(main.dataset.live));
  source.addEventListener("change", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  addEventListener("pagehide", () => source.close());
})();
