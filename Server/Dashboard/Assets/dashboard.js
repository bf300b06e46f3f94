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

  // What stands between this page and the truth, said where it is seen and heard however far somebody has scrolled.
  const note = document.createElement("p");
  note.className = "notice wrong live-note";
  note.setAttribute("role", "status");
  document.body.append(note);
  const say = (text, link) => {
    if (note.dataset.says === text) return;
    note.dataset.says = text;
    note.replaceChildren(text);
    if (link) note.append(" ", link);
  };

  // What somebody is at: a form he has typed in or stands in, and what he has opened to read. It stays as it is; the page round it goes on.
  const isTyped = form => [...form.elements].some(field =>
    field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked :
    field.type === "file" ? field.files.length > 0 :
    field.matches("select") ? field.selectedIndex !== Math.max(0, [...field.options].findIndex(option => option.defaultSelected)) :
    field.matches("input, textarea") && field.type !== "hidden" && field.value !== field.defaultValue);
  const isStoodIn = part => part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, summary");
  const keyOfForm = form => [form.method, form.getAttribute("action"), ...[...form.querySelectorAll("input[type=hidden]")].filter(field => field.name !== "form-token").map(field => field.name + "=" + field.value)].join("\n");
  const keyOfDetails = details => {
    const form = details.querySelector("form");
    if (form) return "form\n" + keyOfForm(form);
    const summary = details.querySelector("summary").cloneNode(true);
    summary.querySelectorAll("time").forEach(time => time.remove());
    return summary.textContent;
  };
  const keyOf = part => part.matches("form") ? keyOfForm(part) : keyOfDetails(part);
  const partsOf = root => [...root.querySelectorAll("form, details")];
  const twinOf = (part, root, fresh) => {
    const alike = tree => partsOf(tree).filter(other => other.localName === part.localName && keyOf(other) === keyOf(part));
    return alike(fresh)[alike(root).indexOf(part)];
  };

  // Which parts of the fresh page are to be those of the present one, and all round them up to the page; null if they do not fit together.
  const match = fresh => {
    const stays = part => part.matches("form") ? isTyped(part) || isStoodIn(part) : part.open && (isStoodIn(part) || !part.querySelector("form"));
    const kept = partsOf(main).filter(stays);
    const twins = new Map([[fresh, main]]);
    const whole = new Set();
    for (const part of kept.filter(part => !kept.some(other => other !== part && other.contains(part)))) {
      let [here, there] = [part, twinOf(part, main, fresh)];
      whole.add(part);
      for (; here !== main; here = here.parentNode, there = there.parentNode) {
        if (!there || there === fresh || there.localName !== here.localName || (twins.get(there) ?? here) !== here) return null;
        twins.set(there, here);
      }
      if (there !== fresh) return null;
    }
    return new Set(twins.values()).size === twins.size ? { twins, whole } : null;
  };

  const graft = (old, fresh, { twins, whole }) => {
    const staying = new Set(twins.values());
    for (const child of [...old.childNodes]) if (!staying.has(child)) child.remove();
    let next = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const twin = twins.get(child);
      if (twin && twin === next) next = twin.nextSibling;
      else old.insertBefore(twin ?? child, next);
      if (!twin) continue;
      if (whole.has(twin)) {
        const [token, newer] = [twin, child].map(part => part.querySelector("input[name=form-token]"));
        if (token && newer) token.value = newer.value;
        continue;
      }
      for (const { name, value } of child.attributes) twin.setAttribute(name, value);
      for (const name of twin.getAttributeNames()) if (name !== "open" && !child.hasAttribute(name)) twin.removeAttribute(name);
      graft(twin, child, { twins, whole });
    }
  };

  const show = fresh => {
    const matched = match(fresh);
    if (!matched) return false;
    const opened = partsOf(main).filter(part => part.matches("details") && part.open).map(part => twinOf(part, main, fresh));
    opened.forEach(twin => { if (twin) twin.open = true; });
    const notice = main.querySelector(":scope > .notice");
    if (notice) fresh.prepend(notice);
    const focused = document.activeElement;
    const link = main.contains(focused) && focused.getAttribute("href");
    graft(main, fresh, matched);
    setUp(main);
    if (focused.isConnected) focused.focus({ preventScroll: true });
    else if (link) main.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
    return true;
  };

  const longestWait = 30000;
  const patience = 30000;
  let source = null, timer = 0, failures = 0, standsSince = Infinity, isEnded = false, isLoading = false, isDue = false, isHeld = false;

  // False if the server did not answer.
  const load = async () => {
    let answer, text;
    try {
      answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(patience) });
      text = await answer.text();
    } catch {
      answer = null;
    }
    if (!answer || answer.status >= 500 || answer.status === 429) {
      say("The server does not answer. This page shows what was so before, and goes on by itself.");
      return false;
    }
    // No page that follows leads elsewhere by itself, but for those who have to log in.
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      isEnded = true;
      stop();
      const link = document.createElement("a");
      link.href = "/login?to=" + encodeURIComponent(location.pathname + location.search);
      link.textContent = "Log in";
      say("Your login has ended. This page shows what was so before.", link);
      return true;
    }
    say("");
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    if (!fresh) return true;
    // Whoever marks text to copy it is left alone; what does not fit round a form that somebody fills in waits for the next change.
    isHeld = !document.getSelection().isCollapsed;
    if (isHeld || !show(fresh)) return true;
    if (fresh.dataset.live) main.dataset.live = fresh.dataset.live;
    else {
      isEnded = true;
      stop();
    }
    return true;
  };

  const refresh = async () => {
    isDue = isLoading;
    if (isLoading) return true;
    isLoading = true;
    try {
      return await load();
    } finally {
      isLoading = false;
      if (isDue) refresh();
    }
  };

  const stop = () => {
    source?.close();
    clearTimeout(timer);
  };

  const goOn = async () => {
    stop();
    if (await refresh()) connect(); else retry();
  };

  // Whatever ended the stream, the page itself tells whether the server answers and whether the login still holds.
  const retry = () => {
    stop();
    if (isEnded || document.hidden) return;
    if (performance.now() - standsSince > longestWait) failures = 0;
    standsSince = Infinity;
    timer = setTimeout(goOn, Math.min(longestWait, 1000 * 2 ** failures++) * (0.75 + Math.random() / 2));
  };

  const connect = () => {
    stop();
    if (isEnded || document.hidden) return;
    source = new EventSource("/live?seen=" + encodeURIComponent(main.dataset.live));
    source.addEventListener("open", () => { standsSince = performance.now(); });
    source.addEventListener("change", async () => { if (!await refresh()) retry(); });
    source.addEventListener("error", retry);
  };

  connect();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (!isEnded) goOn();
  });
  document.addEventListener("selectionchange", () => { if (isHeld && document.getSelection().isCollapsed) refresh(); });
  addEventListener("pagehide", stop);
})();
