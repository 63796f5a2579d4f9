// What HTML cannot do alone: keep the answer in view while it grows, say a finished answer once to
// screen readers (a live region around the stream would read every piece), copy, open a source.
(() => {
  const QUIET = "button, a, input, textarea, summary";
  let number = "";
  let said = "";
  let following = true;

  const letGo = () => { following = false; };
  addEventListener("wheel", letGo, { passive: true });
  addEventListener("touchmove", letGo, { passive: true });
  addEventListener("keydown", (event) => {
    if (["PageUp", "PageDown", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)
        && !event.target.matches("textarea")) letGo();
  });

  // The question stays at the top of the window at most, so that reading starts where the answer does.
  const follow = (turn) => {
    const top = document.getElementById("top").offsetHeight;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollTo({ top: turn.getBoundingClientRect().top + scrollY - top - 12, behavior: still ? "auto" : "smooth" });
  };

  const say = (words) => {
    const spoken = document.getElementById("spoken");
    if (spoken) spoken.textContent = words;
  };

  const changed = () => {
    const turn = document.querySelector("#latest .turn");
    if (!turn) { number = said = ""; return; }
    const isNew = turn.dataset.number !== number;
    if (isNew) {
      number = turn.dataset.number;
      following = true;
      say("Looking through the pages.");
      // A pressed suggestion is gone; without this, keyboard focus would fall back to the page's top.
      if (!document.activeElement?.matches(QUIET)) turn.querySelector(".question").focus({ preventScroll: true });
    }
    if (following) follow(turn);
    const state = number + turn.dataset.state;
    if (turn.dataset.state === "done" && said !== state) {
      said = state;
      const sources = turn.querySelectorAll(".sources details").length;
      say(turn.querySelector(".answer").innerText + (sources ? ` ${sources} source${sources > 1 ? "s" : ""} below.` : ""));
    }
  };

  const openSource = (link) => {
    const source = document.getElementById(link.getAttribute("href").slice(1));
    if (!source) return;
    source.open = true;
    source.querySelector("summary").focus({ preventScroll: true });
    source.scrollIntoView({ block: "nearest" });
  };

  const copyText = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http on a company network has no clipboard API.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  const copyAnswer = async (button) => {
    const turn = button.closest(".turn");
    const sources = [...turn.querySelectorAll(".sources details")].map((source, index) => {
      const title = source.querySelector(".title").textContent;
      const link = source.querySelector("a.out")?.href ?? "";
      return `[${index + 1}] ${title} ${link}`.trim();
    });
    const answer = turn.querySelector(".answer").cloneNode(true);
    answer.querySelectorAll(".ref").forEach((ref) => { ref.textContent = ` [${ref.textContent}]`; });
    answer.querySelectorAll("p, li, br").forEach((block) => { block.after("\n"); });
    await copyText([answer.textContent.replaceAll("\u2060", "").trim(), ...sources].join("\n"));
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy answer"; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.ref");
    if (link) { event.preventDefault(); openSource(link); }
    const button = event.target.closest("button.copy");
    if (button) copyAnswer(button);
  });

  const watch = () => {
    const latest = document.getElementById("latest");
    if (!latest) { requestAnimationFrame(watch); return; }
    new MutationObserver(changed).observe(latest, { subtree: true, childList: true, characterData: true, attributes: true });
    new MutationObserver(() => { if (following) changed(); }).observe(document.getElementById("choices"), { subtree: true, childList: true, attributes: true });
  };
  watch();
})();
