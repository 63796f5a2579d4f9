/* The widget's chat page. Every text is set as text, never as HTML; the page's policy would stop anything else.
   A chat's id lives in this tab's sessionStorage and nowhere else. No template literals: the file is made small
   by a simple tool. */
(function () {
  "use strict";
  const root = document.documentElement, given = new URLSearchParams(location.search);
  const LANGUAGES = ["en", "fr", "he", "de", "es", "uk"], KEY = "candor-chat", LISTED = 6, CONTEXT = 280, TURNS = 20, PATIENCE = 30000, SLOW = 8000, READY = 120000;
  const wished = (given.get("language") || navigator.language || "en").slice(0, 2).toLowerCase();
  const language = LANGUAGES.includes(wished) ? wished : "en";
  const byId = (id) => document.getElementById(id);
  const talk = byId("talk"), turns = byId("turns"), choices = byId("choices"), box = byId("question"), send = byId("send");
  const warning = byId("warning"), count = byId("count"), chip = byId("chip"), more = byId("more"), menu = byId("menu");

  // A finger wants to read before the keyboard covers half of the page.
  const touch = matchMedia("(pointer: coarse)").matches;

  let words = {}, start = null, chat = null, role = null, work = null, exchanges = [], begun = null, waits = false, looks = null;

  // --- small tools ---------------------------------------------------------------------------------

  /** A sentence of the interface, its {braces} filled in; from right to left a name in them keeps its own direction. */
  function say(name, values) {
    const own = (value) => root.dir === "rtl" && typeof value === "string" ? "\u2068" + value + "\u2069" : value;
    return (words[name] || "").replace(/\{(\w+)\}/g, (_, key) => own((values || {})[key]));
  }

  /** A number of days, minutes or seconds, as the language counts them. */
  function time(n, unit) {
    return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(n);
  }

  const kept = () => (start.stored ? say("kept", { time: time(start.retention_days, "day") }) : say("notKept"));

  /** An element: el("p.small", {lang: "en"}, "text", node, …). */
  function el(kind, attributes, ...children) {
    const [name, ...classes] = kind.split(".");
    const node = document.createElement(name);
    if (classes.length) node.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value === true) node.setAttribute(key, "");
      else if (value !== false && value != null) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child != null && child !== ""));
    return node;
  }

  const ICONS = {
    menu: "M4 7h16M4 12h16M4 17h16", close: "M6 6l12 12M18 6L6 18", copy: "M9 9h10v11H9zM5 15V4h10",
    up: "M7 11v9H4v-9zM7 11l4-8c2 0 3 1 3 3l-1 4h6l-2 10H7", down: "M7 13V4H4v9zM7 13l4 8c2 0 3-1 3-3l-1-4h6L17 4H7"
  };

  function icon(name) {
    const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function button(kind, text, press, attributes) {
    return el("button" + kind, Object.assign({ type: "button", onclick: press }, attributes), text);
  }

  /** Only addresses that lead to a page or a mail; "" for any other, such as javascript: or data:. */
  function safe(address) {
    return /^(https?:\/\/|mailto:)[^\s<>"']+$/i.test(address || "") ? address : "";
  }

  /** A link; `of` says to a screen reader, which lists links without what is around them, whose it is. */
  function link(address, text, of) {
    if (!safe(address)) return document.createTextNode(text);
    if (address.startsWith("mailto:")) return el("a", { href: address }, text);
    return el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, text, el("span.unseen", {}, (of ? ": " + of : "") + " " + say("newTab")));
  }

  /** Scroll the talk, and nothing around it, to where a node begins; a `gently` brought one only into sight. */
  function bring(node, gently) {
    const view = talk.getBoundingClientRect(), at = node.getBoundingClientRect();
    if (gently && at.top >= view.top && at.bottom <= view.bottom) return;
    const past = at.bottom - view.bottom + 12;
    const by = gently && past > 0 && past < at.top - view.top ? past : at.top - view.top - 12;
    talk.scrollTo({ top: talk.scrollTop + by, behavior: "instant" });
  }

  function newId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  }

  function remember(id) {
    chat = id;
    // Where storage is forbidden, a reload begins anew; nothing else is lost.
    try { id ? sessionStorage.setItem(KEY, id) : sessionStorage.removeItem(KEY); } catch (_) { /* as said */ }
  }

  function remembered() {
    try { return sessionStorage.getItem(KEY); } catch (_) { return null; }
  }

  /** Call the API; gives the answer, or throws an error with `code` and `retry`. */
  async function call(method, path, body) {
    const given_up = new AbortController(), options = { method, headers: {}, signal: given_up.signal };
    setTimeout(() => given_up.abort(), PATIENCE);
    if (body) {
      options.headers["content-type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const response = await fetch("api/" + path, options);
    if (response.ok || response.status === 409) return response.status === 204 ? null : response.json();
    throw await refusal(response);
  }

  async function refusal(response) {
    let told = {};
    try { told = await response.json(); } catch (_) { /* a proxy's page, perhaps */ }
    return Object.assign(new Error(told.message || response.status), { code: told.code || "failed", retry: told.retry_after, reference: told.reference });
  }

  /** An answer's text without what only the page makes something of. */
  const plain = (text) => text.replace(/\*\*(\S(?:.*?\S)?)\*\*/g, "$1");

  function announce(text) {
    const said = el("p", {}, text);
    byId("spoken").append(said);
    setTimeout(() => said.remove(), 20000);
  }

  // --- an answer's text as nodes -------------------------------------------------------------------

  /** Paragraphs, lists, bold and [n] of a text; all else is shown as the characters it is. `refer` makes a [n]. */
  function prose(text, refer) {
    const blocks = [];
    let list = null;
    for (const line of text.trim().split("\n")) {
      const bullet = line.match(/^\s*[-*•]\s+(.*)$/), number = line.match(/^\s*(\d{1,3})[.)]\s+(.*)$/);
      const kind = bullet ? "UL" : number ? "OL" : line.trim() ? "P" : "";
      const last = blocks[blocks.length - 1];
      if (!kind) list = null;
      else if (kind === "P" && list === "P") last.append(el("br"), ...inline(line.trim(), refer));
      else if (kind === "P") blocks.push(el("p", {}, ...inline(line.trim(), refer)));
      else {
        if (list !== kind) blocks.push(el(kind.toLowerCase(), number ? { start: number[1] } : {}));
        blocks[blocks.length - 1].append(el("li", {}, ...inline((bullet || number.slice(1))[1], refer)));
      }
      list = kind || null;
    }
    return blocks;
  }

  function inline(text, refer) {
    const nodes = [];
    for (const part of text.split(/(\*\*\S(?:.*?\S)?\*\*|\[\d{1,3}(?:\s*,\s*\d{1,3})*\])/)) {
      const numbers = part.match(/^\[([\d\s,]+)\]$/);
      const marks = numbers && numbers[1].split(",").map((n) => refer(+n));
      if (marks && marks.every(Boolean)) nodes.push("\u2060", ...marks);
      else if (/^\*\*.+\*\*$/.test(part)) nodes.push(el("strong", {}, ...contacts(part.slice(2, -2))));
      else nodes.push(...contacts(part));
    }
    return nodes;
  }

  /** The contact as a link, where a text names it. */
  function contacts(text) {
    const who = start && start.contact_url && start.contact;
    if (!who || !text.includes(who)) return text ? [text] : [];
    const parts = [];
    text.split(who).forEach((piece, n) => {
      if (n) parts.push(link(start.contact_url, who));
      if (piece) parts.push(piece);
    });
    return parts;
  }

  const waitingMark = (n) => el("span.ref", {}, String(n));

  // --- one exchange ----------------------------------------------------------------------------------

  function Exchange(question, about, message) {
    const node = el("article");
    const asked = el("h2.question", { tabindex: "-1" }, el("span.unseen", {}, say("asked") + " "),
      about && about.title ? el("span.about", {}, say("aboutRole", { title: about.title })) : null, el("span.words", { dir: "auto" }, question));
    const reply = el("div.reply");
    node.append(asked, reply);
    turns.append(node);
    return { question, about, message: message || newId(), node, asked, reply, answered: null };
  }

  function showWaiting(turn, what) {
    turn.reply.replaceChildren(el("p.waiting.small", {}, say(what)));
  }

  function showPartial(turn, text) {
    turn.reply.replaceChildren(el("div.answer", { dir: "auto" }, ...prose(text, waitingMark)));
  }

  function showReply(turn, reply, rated) {
    turn.answered = reply;
    const citations = reply.citations.map((citation, n) => source(turn, citation, n + 1));
    const refer = (n) => citations[n - 1] && reference(n, citations[n - 1]);
    const right = /^(he|ar|fa|ur|yi)/.test(reply.language || "");
    const answer = el("div.answer", { lang: reply.language || "en", dir: right ? "rtl" : "ltr" }, ...prose(reply.answer, refer));
    turn.reply.replaceChildren(answer);
    if (reply.jobs.length) turn.reply.append(cards(reply.jobs));
    if (citations.length) {
      turn.reply.append(el("section.sources", {}, el("h3", {}, citations.length === 1 ? say("source", { n: "" }).trim() : say("sources")),
        el("ol", {}, ...citations.map((details) => el("li", {}, details)))));
    }
    if (reply.handover) turn.reply.append(handOver(reply));
    turn.reply.append(tools(turn, rated));
  }

  function reference(n, details) {
    const press = () => {
      details.open = !details.open;
      if (details.open) {
        bring(details, true);
        details.querySelector("summary").focus({ preventScroll: true });
      }
    };
    const mark = button(".ref", String(n), press, { "aria-label": say("source", { n }), "aria-controls": details.id, "aria-expanded": "false" });
    details.addEventListener("toggle", () => mark.setAttribute("aria-expanded", details.open));
    return mark;
  }

  function source(turn, citation, n) {
    const address = safe(citation.link), site = address && new URL(address).hostname.replace(/^www\./, "");
    const title = citation.title || site || citation.source;
    const where = address ? link(address, say("readOn", { site })) : citation.url || citation.source;
    return el("details", { id: "s-" + turn.message + "-" + n },
      el("summary", {}, el("b", {}, String(n)), el("span", { dir: "auto" }, title,
        citation.heading && citation.heading !== title ? el("span.heading", {}, citation.heading) : null)),
      el("blockquote", { dir: "auto" }, ...inPassage(citation.quote, citation.passage || "")),
      el("p.from", {}, where));
  }

  /** The quote, marked within the words around it; alone where the passage lacks it. */
  function inPassage(quote, passage) {
    const at = passage.indexOf(quote);
    if (at < 0) return [el("mark", {}, quote)];
    let before = passage.slice(0, at), after = passage.slice(at + quote.length);
    if (before.length > CONTEXT) before = "… " + before.slice(-CONTEXT).replace(/^\S*\s/, "");
    if (after.length > CONTEXT) after = after.slice(0, CONTEXT).replace(/\s\S*$/, "") + " …";
    return [before.replace(/^\s+/, ""), el("mark", {}, quote), after.replace(/\s+$/, "")].filter(Boolean);
  }

  function cards(jobs) {
    const shown = jobs.slice(0, LISTED).map(card), rest = jobs.slice(LISTED);
    const section = el("section.jobs", {}, el("h3", {}, say("positions")), el("ul", {}, ...shown));
    if (rest.length) {
      const folded = el("ul", {}, ...rest.map(card));
      section.append(el("details", {}, el("summary", {}, say("more", { n: rest.length })), folded));
    }
    return section;
  }

  function card(job) {
    const open = job.status === "open";
    const facts = [job.locations.join(" / "), job.department].filter(Boolean).join(" · ");
    return el("li.card", {}, el("p.title", {}, el("span", { dir: "auto" }, job.title)),
      el("p.facts", {}, el("span.status" + (open ? "" : ".closed"), {}, say(open ? "open" : "closed")), " ", el("span", { dir: "auto" }, facts)),
      el("div.row", {}, safe(job.link) ? link(job.link, say(open ? "applyOpen" : "apply"), job.title) : null,
        button(".plain", say("askRole"), () => choose({ id: job.id, title: job.title }), { "aria-label": say("askRole") + ": " + job.title })));
  }

  /** Ask about one role until the candidate takes it back. */
  function choose(chosen, quietly) {
    role = chosen;
    chip.replaceChildren();
    chip.hidden = !role;
    if (role) {
      const drop = button(".icon", icon("close"), () => { choose(null); box.focus(); }, { "aria-label": say("dropRole") });
      chip.append(el("span", { dir: "auto" }, say("aboutRole", { title: role.title })), drop);
      if (quietly) return;
      announce(say("aboutRole", { title: role.title }));
      box.focus();
    }
  }

  function handOver(reply) {
    const who = start && start.contact;
    const named = who && reply.answer.includes(who);
    const part = el("div.hand");
    if (who && !named) part.append(el("p", {}, say("help") + " ", ...contacts(who)));
    if (start && start.handover && reply.stored !== false) part.append(button(".push", say("sendOn"), letter));
    part.hidden = !part.childNodes.length;
    return part;
  }

  // --- what a candidate can do with an answer ----------------------------------------------------------

  function tools(turn, rated) {
    const done = el("span.done", { role: "status" });
    const row = el("div.tools");
    const copy = async () => {
      const quotes = turn.answered.citations.map((c, n) => "[" + (n + 1) + "] “" + c.quote + "” " + (c.url || c.source));
      try { await navigator.clipboard.writeText([plain(turn.answered.answer), ...quotes].join("\n")); done.textContent = say("copied"); } catch (_) { done.textContent = say("notNow"); }
    };
    if (navigator.clipboard) row.append(button(".icon", icon("copy"), copy, { "aria-label": say("copy"), title: say("copy") }));
    if (start && start.stored && turn.answered.stored !== false) {
      const up = button(".icon", icon("up"), () => rate("up"), { "aria-label": say("good"), title: say("good"), "aria-pressed": "false" });
      const down = button(".icon", icon("down"), () => rate("down"), { "aria-label": say("bad"), title: say("bad"), "aria-pressed": "false" });
      const press = (thumb) => {
        up.setAttribute("aria-pressed", thumb === "up");
        down.setAttribute("aria-pressed", thumb === "down");
      };
      const tell = async (thumb, reason, comment) => {
        await call("PUT", "conversations/" + chat + "/messages/" + turn.message + "/feedback", { thumb, reason: reason || null, comment: comment || "" });
        press(thumb);
      };
      const rate = async (thumb) => {
        const again = (thumb === "up" ? up : down).getAttribute("aria-pressed") === "true" ? null : thumb;
        const form = turn.reply.querySelector("fieldset");
        if (form) form.remove();
        try {
          await tell(again);
          done.textContent = again ? say("thanks") : "";
          if (again !== "down") return;
          const asked = reasons(turn, tell, done, down);
          row.after(asked);
          bring(asked, true);
        } catch (_) { done.textContent = say("notNow"); }
      };
      row.append(up, down);
      if (rated) press(rated.thumb);
    }
    row.append(done);
    return row;
  }

  function reasons(turn, tell, done, back) {
    const name = "r-" + turn.message, word = el("input", { maxlength: "500", autocomplete: "off", dir: "auto" });
    const radio = (reason) => el("label.radio", {}, el("input", { type: "radio", name, value: reason }), say(reason));
    const form = el("fieldset", {}, el("legend", {}, say("why")), ...["wrong", "incomplete", "outdated", "unclear"].map(radio),
      el("label.field", {}, say("word"), word),
      button(".push", say("sendFeedback"), async () => {
        const chosen = form.querySelector("input:checked");
        try {
          await tell("down", chosen && chosen.value, word.value);
          form.remove();
          back.focus({ preventScroll: true });
          done.textContent = say("thanks");
        } catch (_) { done.textContent = say("notNow"); }
      }));
    return form;
  }

  function dialog(title, ...children) {
    const node = el("dialog", { "aria-labelledby": "dialog-title", onclose: () => node.remove() }, el("h2", { id: "dialog-title" }, title), ...children);
    node.classList.add("dialog");
    document.body.append(node);
    node.showModal();
    return node;
  }

  function letter() {
    const note = el("textarea", { rows: "3", maxlength: "1000", dir: "auto" }), reach = el("input", { maxlength: "200", autocomplete: "email" });
    const body = el("div"), failed = el("p", { role: "alert" });
    const away = () => node.close();
    let working = false;
    /** Ask the server once, however often the button is pressed. */
    const once = (digest, then) => async () => {
      if (working) return;
      working = true;
      failed.textContent = "";
      try { then(await call("POST", "conversations/" + chat + "/handover", { note: note.value, reply_to: reach.value, digest })); } catch (_) { failed.textContent = say("handFailed"); }
      working = false;
    };
    const write = () => {
      body.replaceChildren(el("p", {}, say("handLead")), el("label.field", {}, say("note"), note), el("label.field", {}, say("reach"), reach), failed,
        el("div.row", {}, button(".push.main", say("preview"), once(null, show)), button(".push", say("cancel"), away)));
      note.focus();
    };
    const show = (told) => {
      const sent = (answer) => {
        if (!answer.sent) return show(answer); // it says something else by now, so it is shown again
        body.replaceChildren(el("p", { role: "status" }, say("sent")), el("div.row", {}, button(".push.main", say("done"), away)));
        body.querySelector("button").focus();
      };
      body.replaceChildren(el("p", {}, say("willSend")), el("pre", { tabindex: "0", dir: "auto" }, told.text), failed,
        el("div.row", {}, button(".push.main", say("sendNow"), once(told.digest, sent)), button(".push", say("back"), write), button(".push", say("cancel"), away)));
      body.querySelector("pre").focus();
    };
    const node = dialog(say("handTitle"), body);
    write();
  }

  // --- asking ----------------------------------------------------------------------------------------

  const limit = () => (start ? start.question_limit : 2000);

  async function ask(question) {
    question = question.trim();
    if (!question || work || waits) return;
    waits = true;
    await begun; // an earlier chat goes on, where there is one
    waits = false;
    if (!start && !looks) know(); // the server is there again, perhaps
    if (question.length > limit()) return announce(say("tooLong", { n: question.length, limit: limit() }));
    warning.textContent = "";
    byId("welcome").hidden = true;
    choices.replaceChildren();
    const turn = Exchange(question, role);
    exchanges.push(turn);
    box.value = "";
    grow();
    bring(turn.asked);
    await attempt(turn);
  }

  async function attempt(turn) {
    work = new AbortController();
    const mine = work;
    busy(true);
    // Of what had the focus, such as "try again" or a suggestion, nothing may be left.
    if (turn.node.contains(document.activeElement) || document.activeElement === document.body) turn.asked.focus({ preventScroll: true });
    showWaiting(turn, "looking");
    const slow = setTimeout(() => {
      const waiting = turn.reply.querySelector(".waiting");
      if (!waiting || waiting.textContent !== say("looking")) return;
      waiting.textContent = say("slow");
      announce(say("slow"));
    }, SLOW);
    bring(turn.asked);
    const seen = talk.scrollTop;
    try {
      const reply = await patient(turn, mine);
      if (!exchanges.includes(turn)) return; // started over meanwhile
      const stayed = talk.scrollTop === seen;
      showReply(turn, reply);
      if (stayed) bring(turn.asked);
      announce(say("answered") + " " + plain(reply.answer).replace(/\s*\[\d+\]/g, ""));
      goOn(reply);
      post({ type: "answer", status: reply.status });
    } catch (error) {
      if (!exchanges.includes(turn)) return;
      const stopped = mine.signal.aborted && !mine.silent;
      mine.abort(); // what is left of the request
      showFailure(turn, mine.silent ? {} : error, stopped);
    } finally {
      clearTimeout(slow);
      if (work === mine) {
        work = null;
        busy(false);
      }
    }
  }

  /** Whether a server says that it is not there yet, or not for long. */
  const unready = (error) => error.code === "not_ready" || error.code === "closing";

  /** The reply to a turn, asked for again by itself while the server gets ready, or another takes its place. */
  async function patient(turn, mine) {
    for (let since = 0; ;) {
      try { return await streamed(turn, mine); } catch (error) {
        // Between one server and the next, nobody is there.
        if (mine.signal.aborted || !(unready(error) || (since && !error.code)) || (since && Date.now() - since > READY)) throw error;
        if (!since) {
          since = Date.now();
          showWaiting(turn, "soon");
          announce(say("soon"));
        }
        await new Promise((done) => { setTimeout(done, 1000 * (error.retry || 2)); mine.signal.addEventListener("abort", done); });
        if (mine.signal.aborted) throw error;
      }
    }
  }

  /** The reply to a turn, its text shown as it comes; an error with `code` where there is none. */
  async function streamed(turn, mine) {
    const said = exchanges.filter((one) => one.answered && one !== turn).map((one) => one.question).concat(turn.question).slice(-TURNS);
    if (!chat) chat = newId();
    const body = JSON.stringify({ conversation: chat, message: turn.message, turns: said, about: turn.about ? turn.about.id : "", language });
    let rest = "", text = "", drawn = false, watch;
    const draw = () => { drawn = false; if (!turn.answered && work && exchanges.includes(turn)) showPartial(turn, text); };
    // The server says every ten seconds that it lives; one that is silent is away.
    const heard = () => {
      clearTimeout(watch);
      watch = setTimeout(() => { mine.silent = true; mine.abort(); }, PATIENCE);
    };
    heard();
    try {
      const response = await fetch("api/chat", { method: "POST", headers: { "content-type": "application/json" }, body, signal: mine.signal });
      if (!response.ok) throw await refusal(response);
      const reader = response.body.getReader(), decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        heard();
        if (done) throw Object.assign(new Error("the stream broke"), { code: text ? "broken" : "failed", reference: (response.headers.get("x-request-id") || "").slice(-8) });
        const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const name = (event.match(/^event: (.*)$/m) || [])[1], data = (event.match(/^data: (.*)$/m) || [])[1];
          if (!name) continue;
          const told = JSON.parse(data);
          if (name === "token") {
            text += told.text;
            if (!drawn && text.trim()) { drawn = true; requestAnimationFrame(draw); }
          } else if (name === "reply") {
            if (told.stored && exchanges.includes(turn)) remember(chat); // before, a reload would find nothing
            return told;
          } else if (name === "error") throw Object.assign(new Error(told.code), { code: told.code, retry: told.retry_after, reference: told.reference });
        }
      }
    } finally { clearTimeout(watch); }
  }

  function showFailure(turn, error, stopped) {
    const partial = turn.reply.querySelector(".answer"), retry = error.retry || 5;
    let why = say("unreachable");
    if (stopped) why = say("stopped");
    else if (navigator.onLine === false) why = say("offline");
    else if (error.code === "busy" || (error.retry && !unready(error))) why = say("busy", { time: retry > 90 ? time(Math.ceil(retry / 60), "minute") : time(retry, "second") });
    else if (error.code === "broken" || (partial && !error.code)) why = say("broken");
    else if (error.code && !unready(error)) why = say("failed") + (error.reference ? " " + say("reference", { id: error.reference }) : "");
    turn.reply.replaceChildren(el("div.failed", {}, el("p", {}, why), button(".push", say("again"), () => { if (!work) attempt(turn); })));
    if (partial) turn.reply.prepend(partial);
    announce(why);
  }

  /** Where a reply leads nowhere, what one may start from and has not asked. */
  function goOn(reply) {
    const asked = exchanges.map((one) => one.question);
    suggest(say("suggestions"), reply.suggestions.length || !start ? reply.suggestions : start.starters.filter((one) => !asked.includes(one)));
  }

  function suggest(title, questions) {
    choices.replaceChildren();
    if (!questions || !questions.length) return;
    choices.append(el("h2", {}, title), ...questions.map((question) => button("", question, () => { if (!touch) box.focus(); ask(question); }, { dir: "auto" })));
  }

  function busy(now) {
    send.textContent = say(now ? "stop" : "send");
    send.dataset.stop = now ? "yes" : "";
    turns.setAttribute("aria-busy", now);
  }

  function grow() {
    box.style.height = "auto";
    box.style.height = Math.min(box.scrollHeight + 2, innerHeight * 0.34) + "px";
    box.dir = box.value ? "auto" : "";
    const left = limit() - box.value.length;
    warning.textContent = "";
    count.textContent = left < 0 ? say("tooLong", { n: box.value.length, limit: limit() }) : left < 200 ? say("left", { n: left }) : "";
    count.className = left < 0 ? "over" : "";
    // Told now and then: a screen reader that counted with every key would drown the words.
    if ([150, 50, 10, -1].includes(left)) announce(count.textContent);
  }

  // --- the chat as a whole ------------------------------------------------------------------------------

  function welcome() {
    const place = byId("welcome");
    place.hidden = false;
    const empty = start && !start.pages && !start.open_jobs;
    const read = start && start.as_of ? say("read", { date: new Date(start.as_of).toLocaleDateString(language, { dateStyle: "long" }) }) : "";
    // On its own, the page shows no words of an address that anybody may have made up.
    const greeting = framed && given.get("greeting");
    place.replaceChildren(el("p.lead", { dir: "auto" }, greeting || say(empty ? "empty" : "lead")),
      el("p", {}, say("promise")), el("p.small", {}, [read, start ? kept() : ""].filter(Boolean).join(" ")));
    if (looks) place.append(el("p.small.waiting", {}, say("soon")));
    if (start && start.contact) place.append(el("p.small", {}, say("person") + " ", ...contacts(start.contact)));
    if (start && !empty) suggest(say("starters"), start.starters);
  }

  function startOver() {
    if (work) work.abort();
    exchanges = [];
    remember(null);
    turns.replaceChildren();
    warning.textContent = "";
    choose(null);
    welcome();
    box.value = "";
    grow();
    enter();
  }

  /** Take the focus in. */
  function enter() {
    (touch ? document.querySelector("h1") : box).focus();
  }

  function deleteChat() {
    const failed = el("p", { role: "alert" });
    const yes = async () => {
      if (work) work.abort(); // what is under way must not be kept after all
      try {
        if (chat && start && start.stored) await call("DELETE", "conversations/" + chat);
        node.close();
        startOver();
        warning.textContent = say("deleted");
      } catch (_) { failed.textContent = say("deleteFailed"); }
    };
    const node = dialog(say("confirm"), failed, el("div.row", {}, button(".push.main", say("confirmYes"), yes), button(".push", say("cancel"), () => node.close())));
  }

  function aboutChat() {
    const company = (start && start.company) || say("aboutOurs");
    const node = dialog(say("aboutTitle"), el("p", {}, say("aboutAuto")), el("p", {}, say("aboutQuotes", { company })),
      start ? el("p", {}, kept()) : null,
      start && start.contact ? el("p", {}, say("person") + " ", ...contacts(start.contact)) : null,
      el("div.row", {}, button(".push.main", say("done"), () => node.close())));
  }

  /** Go on with the chat of before the reload. */
  async function resume() {
    const id = remembered();
    if (!id || !start || !start.stored) return;
    try {
      const found = await call("GET", "conversations/" + id), titles = {};
      remember(id);
      for (const one of found.exchanges) {
        const turn = Exchange(one.question, one.about ? { id: one.about, title: titles[one.about] } : null, one.message);
        exchanges.push(turn);
        showReply(turn, one.reply, one.feedback);
        for (const job of one.reply.jobs) titles[job.id] = job.title;
      }
      if (exchanges.length) {
        byId("welcome").hidden = true;
        const last = exchanges[exchanges.length - 1];
        goOn(last.answered);
        if (last.about && last.about.title) choose(last.about, true);
        bring(last.asked);
      }
    } catch (error) {
      if (error.code === "unknown" || error.code === "not_stored") {
        remember(null);
        warning.textContent = say("goneChat");
      } else chat = id;
    }
  }

  // --- the page around ------------------------------------------------------------------------------------

  /** Whether a site may talk to this page: our own, or one of the list that the server has been given. */
  function allowed(origin) {
    return origin === location.origin || (root.dataset.sites || "").split(" ").some((site) => {
      const at = site.indexOf("*.");
      return site && (at < 0 ? origin === site : origin.startsWith(site.slice(0, at)) && origin.endsWith(site.slice(at + 1)));
    });
  }

  const framed = window.parent !== window, from = given.get("from") || "";
  const host = framed && allowed(from) ? from : "";

  function post(message) {
    message.candor = 1;
    if (host) window.parent.postMessage(message, host);
  }

  window.addEventListener("message", (event) => {
    const told = event.data;
    if (!host || event.origin !== host || event.source !== window.parent || !told || told.candor !== 1) return;
    const shown = document.querySelector("dialog button");
    if (told.type === "focus") shown ? shown.focus() : enter();
    else if (told.type === "ask" && typeof told.question === "string") {
      if (!work) return ask(told.question);
      box.value = told.question; // one at a time; it can be asked when the answer is there
      grow();
    }
  });

  function unfold(open) {
    const done = exchanges.some((one) => one.answered), item = (name, press) => button("", say(name), () => { unfold(false); menu.focus(); press(); });
    if (open) {
      more.replaceChildren(item("startOver", startOver), ...(done && start && start.handover ? [item("sendOn", letter)] : []),
        ...(done ? [item("printChat", () => print())] : []), item("deleteChat", deleteChat), item("aboutChat", aboutChat));
    }
    more.hidden = !open;
    menu.setAttribute("aria-expanded", open);
    if (open) more.querySelector("button").focus();
  }

  function dress() {
    const theme = given.get("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => { root.dataset.theme = theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light"; };
    paint();
    dark.addEventListener("change", paint);
    const tint = given.get("color") || "";
    if (!tint || !CSS.supports("color", tint)) return;
    root.style.setProperty("--tint", tint);
    const probe = el("span");
    probe.style.color = tint;
    document.body.append(probe);
    probe.style.color = "color-mix(in srgb," + tint + "," + tint + ")"; // in parts of red, green and blue, whatever it is
    const shown = getComputedStyle(probe).color, most = shown[0] === "r" ? 255 : 1;
    const [r, g, b] = shown.match(/[\d.]+/g).map((v) => (v / most <= 0.04045 ? v / most / 12.92 : Math.pow((v / most + 0.055) / 1.055, 2.4)));
    probe.remove();
    root.style.setProperty("--on-tint", 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff");
  }

  function label() {
    root.lang = language;
    root.dir = language === "he" ? "rtl" : "ltr";
    const company = root.dataset.company;
    document.title = company ? say("title", { company }) : say("titleHere");
    document.querySelector("h1").textContent = document.title;
    byId("notice").replaceChildren(...inline(say("notice"), () => null).map((part) => (part.nodeType ? part : el("span", {}, part))));
    byId("label").textContent = say("question");
    box.placeholder = say("placeholder");
    talk.setAttribute("aria-label", say("talk"));
    menu.setAttribute("aria-label", say("menu"));
    menu.replaceChildren(icon("menu"));
    const shut = byId("close");
    shut.setAttribute("aria-label", say("close"));
    shut.replaceChildren(icon("close"));
    shut.hidden = !host;
    busy(false);
  }

  function listen() {
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      send.dataset.stop ? work && work.abort() : ask(box.value);
    });
    box.addEventListener("input", grow);
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        if (!work) ask(box.value);
      }
    });
    menu.addEventListener("click", () => unfold(more.hidden));
    byId("close").addEventListener("click", () => post({ type: "close" }));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || document.querySelector("dialog")) return;
      if (!more.hidden) {
        unfold(false);
        menu.focus();
      } else post({ type: "close" });
    });
    more.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !more.contains(event.relatedTarget) && event.relatedTarget !== menu) unfold(false);
    });
    // On paper the words an answer rests on stand below it.
    window.addEventListener("beforeprint", () => turns.querySelectorAll("details").forEach((part) => { part.open = true; }));
    document.addEventListener("click", (event) => {
      if (!more.hidden && !more.contains(event.target) && !menu.contains(event.target)) unfold(false);
    });
  }

  /** Learn from the server whose assistant this is; while it gets ready, again and again. Where it is away, asking will tell. */
  async function know() {
    try { start = await call("GET", "start?language=" + language); } catch (error) {
      if (!unready(error) && !looks) return;
      const first = !looks;
      looks = setTimeout(know, 1000 * (error.retry || 2));
      if (!first) return;
      chat = chat || remembered(); // what is asked meanwhile goes on with the earlier chat
      announce(say("soon"));
      if (!exchanges.length) welcome();
      return;
    }
    looks = null;
    if (exchanges.length) return;
    welcome();
    return resume();
  }

  async function begin() {
    dress();
    // Without words there is no page: the frame's owner says so, and offers to try again.
    words = await (await fetch("chat/" + language + ".json?" + root.dataset.tags)).json();
    label();
    listen();
    welcome();
    begun = know();
    post({ type: "ready" });
  }

  begin();
})();
