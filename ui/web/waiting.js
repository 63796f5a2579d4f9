/* Says in the visitor's language that the server is getting ready, and opens the page that was asked for once it is. */
(function () {
  "use strict";
  const root = document.documentElement, LANGUAGES = ["en", "fr", "he", "de", "es", "uk"], PAUSE = 1000;
  const wished = (navigator.language || "en").slice(0, 2).toLowerCase();
  const language = LANGUAGES.includes(wished) ? wished : "en";

  async function speak() {
    const words = await (await fetch(root.dataset.up + "chat/" + language + ".json?" + root.dataset.tags)).json();
    const company = root.dataset.company;
    root.lang = language;
    root.dir = language === "he" ? "rtl" : "ltr";
    document.title = company ? words.title.replace("{company}", () => company) : words["titleHere"];
    document.querySelector("h1").textContent = document.title;
    document.getElementById("said").textContent = words["soon"];
    document.getElementById("more").textContent = words["opens"];
  }

  async function look() {
    try {
      // The page itself, as /readyz may be shut to the world: whatever is there in its place is to be shown.
      if ((await fetch(location.href, { cache: "no-store" })).status !== 503) return location.reload();
    } catch (_) { /* between one server and the next, nobody is there */ }
    setTimeout(look, PAUSE);
  }

  if (language !== "en") speak();
  setTimeout(look, PAUSE);
})();
