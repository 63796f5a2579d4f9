/* Candor on a careers site: a button, and on the first press the chat in a frame. See docs/widget.md.
   Nothing else is drawn, asked or kept. No template literals: the file is made small by a simple tool. */
(() => {
  "use strict";
  if (window.Candor) return;
  var script = document.currentScript || document.querySelector("script[src*='/widget.js']");
  if (!script) return;
  var base = new URL(".", script.src), home = base.origin, data = script.dataset, root = document.documentElement;

  // A phone, on its side as well, or a page enlarged that far: the chat fills the screen.
  var SMALL = "(max-width:639.98px),(max-height:499.98px)";

  // What is said before the chat is there: label, loading, failed, again, close.
  var SAID = {
    en: ["Ask about working here", "Opening…", "The chat cannot be reached just now.", "Try again", "Close"],
    fr: ["Une question sur nos postes ?", "Ouverture…", "L’assistant est injoignable pour le moment.", "Réessayer", "Fermer"],
    he: ["שאלות על העבודה כאן", "פותח…", "אי אפשר להגיע לצ׳אט כרגע.", "לנסות שוב", "סגירה"],
    de: ["Fragen zur Arbeit hier", "Wird geöffnet …", "Der Chat ist gerade nicht erreichbar.", "Noch einmal", "Schließen"],
    es: ["Pregunte sobre trabajar aquí", "Abriendo…", "El chat no está disponible ahora.", "Reintentar", "Cerrar"],
    uk: ["Запитайте про роботу тут", "Відкриваємо…", "Чат зараз недоступний.", "Ще раз", "Закрити"]
  };
  var language = (data.language || root.lang || navigator.language || "en").slice(0, 2).toLowerCase();
  if (language === "iw") language = "he";
  var said = SAID[language] || SAID.en;

  var rules = ":host{all:initial!important;position:fixed!important;z-index:2147483000!important;inset-block-end:calc(var(--candor-offset,20px) + env(safe-area-inset-bottom))!important;font:500 16px/1.3 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif!important}"
    + "button{all:unset;box-sizing:border-box;cursor:pointer;font:inherit}"
    + ".b{display:flex;align-items:center;gap:10px;min-height:52px;max-width:calc(100vw - 40px);padding:10px 20px;border-radius:26px;border:2px solid transparent;color:var(--i);background:var(--c);box-shadow:0 4px 16px rgb(0 0 0/.25)}"
    + ".i{flex:none;width:24px;height:24px;background:currentColor;forced-color-adjust:none;clip-path:path('M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Z')}"
    + "button:focus-visible{outline:3px solid var(--c);outline-offset:3px;box-shadow:0 0 0 3px #fff}"
    + ".p{position:fixed;box-sizing:border-box;margin:0;padding:0;inset:auto;max-width:none;max-height:none;inset-block-end:calc(var(--candor-offset,20px) + 68px + env(safe-area-inset-bottom));width:min(var(--candor-width,420px),calc(100vw - 32px));height:min(var(--candor-height,680px),calc(100dvh - 112px));border-radius:16px;overflow:hidden;background:Canvas;color:CanvasText;color-scheme:light dark;box-shadow:0 12px 40px rgb(0 0 0/.3);border:1px solid rgb(128 128 128/.4)}"
    + "[hidden]{display:none!important}"
    + "iframe{position:absolute;inset:0;width:100%;height:100%;border:0;color-scheme:normal}"
    + ".s{position:absolute;inset:0;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:16px;padding:24px;text-align:center;background:Canvas}"
    + ".s button{min-height:44px;padding:0 20px;border:1px solid;border-radius:10px;display:inline-flex;align-items:center}"
    + "@media" + SMALL + "{.p{inset:0;width:auto;height:100dvh;border:0;border-radius:0}.o .b{visibility:hidden}}"
    + "@media(prefers-reduced-motion:no-preference){.p{animation:u .18s ease-out}@keyframes u{from{opacity:0;transform:translateY(12px)}}}"
    + "@media(forced-colors:active){.b{border-color:ButtonText}}"
    + "@media print{:host{display:none!important}}";

  var host = document.createElement("candor-chat");
  var shadow = host.attachShadow({ mode: "open" });
  function make(name, kind, text) {
    return Object.assign(document.createElement(name), { className: kind || "", textContent: text || "" });
  }

  // The colour of the button, and black or white on it, whichever is easier to read.
  function dress() {
    var colour = data.color || getComputedStyle(host).getPropertyValue("--candor-color").trim();
    if (!colour || !CSS.supports("color", colour)) colour = "#0b6157";
    host.style.setProperty("--c", colour);
    // In parts of red, green and blue, whatever kind of colour it is, such as oklch().
    button.style.background = "color-mix(in srgb," + colour + "," + colour + ")";
    var shown = getComputedStyle(button).backgroundColor, part = shown.match(/[\d.]+/g).map((v) => {
      v /= shown[0] === "r" ? 255 : 1;
      return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
    });
    host.style.setProperty("--i", 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2] > 0.179 ? "#000" : "#fff");
    button.style.background = "";
    return colour;
  }

  var box = make("div"), button = make("button", "b"), panel = null, frame = null, state = null, again = null;
  var ready = false, open = false, wanted = true, before = button, waiting = [], timer = 0, heard = {};
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-haspopup", "dialog");
  button.append(make("span", "i"), make("span", "", data.label || said[0]));
  button.addEventListener("click", () => open ? close() : show());
  box.append(button);
  shadow.append(box);
  // Wherever the focus is: what lies under the chat can be seen again without leaving its place.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open && !event.defaultPrevented) close();
  });

  function build() {
    panel = make("dialog", "p");
    panel.id = "panel";
    panel.setAttribute("aria-label", said[0]);
    panel.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    button.setAttribute("aria-controls", "panel");
    state = make("div", "s");
    state.setAttribute("role", "status");
    again = make("button", "", said[3]);
    var away = make("button", "", said[4]);
    again.type = away.type = "button";
    again.addEventListener("click", load);
    away.addEventListener("click", () => close());
    state.append(make("span"), again, away);
    panel.append(state);
    box.append(panel);
  }

  function load() {
    ready = false;
    if (frame) frame.remove();
    state.firstChild.textContent = said[1];
    again.hidden = true;
    state.hidden = false;
    frame = make("iframe");
    frame.title = said[0];
    frame.allow = "clipboard-write";
    var address = new URL("chat", base), asked = { language: language, from: location.origin, theme: data.theme || "auto", color: dress(), greeting: data.greeting || "" };
    for (var name in asked) address.searchParams.set(name, asked[name]);
    frame.src = address;
    panel.append(frame);
    clearTimeout(timer);
    timer = setTimeout(fail, +data.patience || 12000);
    // A page of an error tells nothing about itself: whoever has not spoken soon after loading never will.
    frame.addEventListener("load", () => setTimeout(fail, 1500));
  }

  function fail() {
    if (ready || !state) return;
    state.firstChild.textContent = said[2];
    again.hidden = false;
    state.hidden = false;
    frame.hidden = true;
    if (open && wanted && within()) again.focus();
  }

  function post(message) {
    message.candor = 1;
    ready ? frame.contentWindow.postMessage(message, home) : waiting.push(message);
  }

  window.addEventListener("message", (event) => {
    var told = event.data;
    if (event.origin !== home || !frame || event.source !== frame.contentWindow || !told || told.candor !== 1) return;
    if (told.type === "ready") {
      clearTimeout(timer);
      ready = true;
      state.hidden = true;
      frame.hidden = false;
      waiting.splice(0).forEach(post);
      emit("ready");
      if (open) enter();
    } else if (told.type === "close") close();
    else if (told.type === "answer") emit("answer", { status: String(told.status) });
  });

  /** Whether the focus is in the widget, or nowhere. */
  function within() {
    var at = document.activeElement;
    return !at || at === host || at === document.body;
  }

  function enter() {
    if (!ready || !wanted) return;
    frame.focus();
    post({ type: "focus" });
  }

  var phone = matchMedia(SMALL), view = visualViewport, overflow = null;
  function fit() {
    var full = open && phone.matches;
    if (full && overflow === null) {
      overflow = root.style.overflow;
      root.style.overflow = "hidden";
    } else if (!full && overflow !== null) {
      root.style.overflow = overflow;
      overflow = null;
    }
    // On a phone the keyboard covers the page without making it smaller.
    if (!panel) return;
    panel.style.height = full ? view.height + "px" : "";
    panel.style.top = full ? view.offsetTop + "px" : "";
  }
  view.addEventListener("resize", fit);
  view.addEventListener("scroll", fit);
  phone.addEventListener("change", () => {
    if (open) lift();
    fit();
  });

  /** On a phone nothing behind the chat can be reached; beside a page it is one part among others. */
  function lift() {
    panel.close();
    phone.matches ? panel.showModal() : panel.setAttribute("open", "");
    enter();
  }

  function show(quietly) {
    wanted = quietly !== true;
    if (open) return enter();
    open = true;
    before = within() ? button : document.activeElement;
    if (!panel) build();
    if (!frame) load();
    box.className = "o";
    button.setAttribute("aria-expanded", "true");
    lift();
    fit();
    emit("open");
  }

  function close() {
    if (!open) return;
    var back = within();
    open = false;
    panel.close();
    box.className = "";
    button.setAttribute("aria-expanded", "false");
    fit();
    if (back) (before.isConnected ? before : button).focus();
    emit("close");
  }

  function emit(name, detail) {
    (heard[name] || []).forEach((listener) => listener(detail));
    window.dispatchEvent(new CustomEvent("candor:" + name, { detail: detail }));
  }

  window.Candor = {
    open: () => show(),
    close: close,
    ask: (question) => { show(); post({ type: "ask", question: String(question) }); },
    on: (name, listener) => { (heard[name] = heard[name] || []).push(listener); }
  };

  function place() {
    var side = data.position || getComputedStyle(host).getPropertyValue("--candor-position").trim();
    var left = side === "left" || (side !== "right" && (language === "he" || root.dir === "rtl"));
    host.dir = language === "he" ? "rtl" : "ltr";
    rules += ":host,.p{" + (left ? "left" : "right") + ":var(--candor-side,20px)!important}@media" + SMALL + "{.p{left:0!important;right:0!important}}";
    try {
      // A site with a strict policy forbids <style>; a sheet made by script is none.
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(rules);
      shadow.adoptedStyleSheets = [sheet];
    } catch (_) {
      var style = make("style", "", rules);
      style.nonce = script.nonce;
      shadow.append(style);
    }
    if (data.offset) host.style.setProperty("--candor-offset", data.offset);
    dress();
  }

  function begin() {
    document.body.append(host);
    place();
    emit("loaded");
    // Nobody asked for it yet: the focus stays where it is, and a phone is not filled.
    if (data.open === "true" && !phone.matches) show(true);
  }
  document.body ? begin() : document.addEventListener("DOMContentLoaded", begin);
})();
