/* Candor on a careers site: a button, and on the first press the chat in a frame. See docs/widget.md.
   Nothing else is drawn, asked or kept. No template literals: the file is made small by a simple tool. */
(function () {
  "use strict";
  if (window.Candor) return;
  var script = document.currentScript || document.querySelector("script[src*='/widget.js']");
  if (!script) return;
  var base = new URL(".", script.src), home = base.origin, data = script.dataset, root = document.documentElement;

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
    + ".b svg{flex:none;width:24px;height:24px}"
    + "button:focus-visible{outline:3px solid var(--c);outline-offset:3px;box-shadow:0 0 0 3px #fff}"
    + ".p{position:fixed;box-sizing:border-box;inset-block-end:calc(var(--candor-offset,20px) + 68px + env(safe-area-inset-bottom));width:min(var(--candor-width,420px),calc(100vw - 32px));height:min(var(--candor-height,680px),calc(100dvh - 112px));border-radius:16px;overflow:hidden;background:Canvas;color:CanvasText;color-scheme:light dark;box-shadow:0 12px 40px rgb(0 0 0/.3);border:1px solid rgb(128 128 128/.4)}"
    + ".p[hidden],.s[hidden]{display:none}"
    + "iframe{position:absolute;inset:0;width:100%;height:100%;border:0;color-scheme:normal}"
    + ".s{position:absolute;inset:0;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:16px;padding:24px;text-align:center;background:Canvas}"
    + ".s button{min-height:44px;padding:0 20px;border:1px solid;border-radius:10px;display:inline-flex;align-items:center}.s button[hidden]{display:none}"
    + "@media(max-width:639.98px){.p{inset:0;width:auto;height:100dvh;border:0;border-radius:0;inset-block-end:auto}.o .b{visibility:hidden}}"
    + "@media(prefers-reduced-motion:no-preference){.p{animation:u .18s ease-out}@keyframes u{from{opacity:0;transform:translateY(12px)}}}"
    + "@media(forced-colors:active){.b{border-color:ButtonText}}"
    + "@media print{:host{display:none!important}}";

  var host = document.createElement("candor-chat");
  var shadow = host.attachShadow({ mode: "open" });
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

  function make(name, kind, text) {
    var node = document.createElement(name);
    if (kind) node.className = kind;
    if (text) node.textContent = text;
    return node;
  }

  // The colour of the button, and black or white on it, whichever is easier to read.
  function dress() {
    var colour = data.color || getComputedStyle(host).getPropertyValue("--candor-color").trim();
    if (!colour || !CSS.supports("color", colour)) colour = "#0b6157";
    host.style.setProperty("--c", colour);
    var rgb = (getComputedStyle(button).backgroundColor.match(/[\d.]+/g) || [0, 0, 0]).slice(0, 3).map(function (v) {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
    });
    var light = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    host.style.setProperty("--i", light > 0.179 ? "#000" : "#fff");
    return colour;
  }

  var box = make("div"), button = make("button", "b"), panel = null, frame = null, state = null, again = null;
  var ready = false, open = false, waiting = [], timer = 0, overflow = "", heard = {};
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-haspopup", "dialog");
  button.append(icon(), make("span", "", data.label || said[0]));
  button.addEventListener("click", function () { open ? close() : show(); });
  box.append(button);
  shadow.append(box);
  shadow.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && open) close();
  });

  function icon() {
    var space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("fill", "currentColor");
    path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm3 5v2h10V8Zm0 4v2h7v-2Z");
    svg.append(path);
    return svg;
  }

  function build() {
    panel = make("div", "p");
    panel.id = "panel";
    panel.hidden = true;
    button.setAttribute("aria-controls", "panel");
    state = make("div", "s");
    state.setAttribute("role", "status");
    again = make("button", "", said[3]);
    var away = make("button", "", said[4]);
    again.type = away.type = "button";
    again.addEventListener("click", load);
    away.addEventListener("click", function () { close(); });
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
    frame.addEventListener("load", function () { setTimeout(fail, 1500); });
  }

  function fail() {
    if (ready || !state) return;
    state.firstChild.textContent = said[2];
    again.hidden = false;
    state.hidden = false;
    frame.hidden = true;
    if (open && shadow.activeElement === null) again.focus();
  }

  function post(message) {
    message.candor = 1;
    ready ? frame.contentWindow.postMessage(message, home) : waiting.push(message);
  }

  window.addEventListener("message", function (event) {
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

  function enter() {
    if (!ready) return;
    frame.focus();
    post({ type: "focus" });
  }

  var phone = matchMedia("(max-width:639.98px)"), view = window.visualViewport;
  function fit() {
    // On a phone the keyboard covers the page without making it smaller.
    if (!panel) return;
    var full = open && phone.matches;
    panel.style.height = full && view ? view.height + "px" : "";
    panel.style.top = full && view ? view.offsetTop + "px" : "";
  }
  if (view) {
    view.addEventListener("resize", fit);
    view.addEventListener("scroll", fit);
  }
  phone.addEventListener("change", function () { lock(); fit(); });

  function lock() {
    var locked = overflow !== "";
    if (open && phone.matches && !locked) {
      overflow = root.style.overflow || "visible";
      root.style.overflow = "hidden";
    } else if (locked && !(open && phone.matches)) {
      root.style.overflow = overflow === "visible" ? "" : overflow;
      overflow = "";
    }
  }

  function show() {
    if (open) return enter();
    open = true;
    if (!panel) build();
    if (!frame) load();
    panel.hidden = false;
    box.className = "o";
    button.setAttribute("aria-expanded", "true");
    lock();
    fit();
    enter();
    emit("open");
  }

  function close() {
    if (!open) return;
    open = false;
    panel.hidden = true;
    box.className = "";
    button.setAttribute("aria-expanded", "false");
    lock();
    button.focus();
    emit("close");
  }

  function emit(name, detail) {
    (heard[name] || []).slice().forEach(function (listener) { listener(detail); });
    window.dispatchEvent(new CustomEvent("candor:" + name, { detail: detail }));
  }

  window.Candor = {
    open: show,
    close: close,
    ask: function (question) { show(); post({ type: "ask", question: String(question) }); },
    on: function (name, listener) { (heard[name] = heard[name] || []).push(listener); },
    off: function (name, listener) { heard[name] = (heard[name] || []).filter(function (one) { return one !== listener; }); }
  };

  function place() {
    var side = data.position || getComputedStyle(host).getPropertyValue("--candor-position").trim();
    var left = side === "left" || (side !== "right" && (language === "he" || root.dir === "rtl"));
    host.dir = language === "he" ? "rtl" : "ltr";
    var css = "@media all{:host,.p{" + (left ? "left" : "right") + ":var(--candor-side,20px)!important}}@media(max-width:639.98px){.p{left:0!important;right:0!important}}";
    try {
      var more = new CSSStyleSheet();
      more.replaceSync(css);
      shadow.adoptedStyleSheets = shadow.adoptedStyleSheets.concat(more);
    } catch (_) {
      shadow.querySelector("style").append(css);
    }
    if (data.offset) host.style.setProperty("--candor-offset", data.offset);
    dress();
  }

  function begin() {
    document.body.append(host);
    place();
    if (data.open === "true") show();
  }
  document.body ? begin() : document.addEventListener("DOMContentLoaded", begin);
})();
