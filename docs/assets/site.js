// What the theme builds in the browser and leaves without a name or reach for the keyboard.
// Without JavaScript neither exists.

function repair(root) {
  // The copy button's <nav> would be one landmark per code block.
  for (const nav of root.querySelectorAll("nav.md-code__nav")) nav.setAttribute("role", "none");
  // A wide table scrolls in a box that the keyboard must reach.
  for (const box of root.querySelectorAll(".md-typeset__scrollwrap")) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Table");
  }
}

// What runs Python, what moves and what filters: loaded on the pages that have it.
const loaded = new Set();
function load(file) {
  if (loaded.has(file)) return;
  loaded.add(file);
  import(file).catch(() => loaded.delete(file)); // without it the page stays as it was
}

function enliven(root) {
  if (root.querySelector("answer-filter:not(:defined)")) load("./answers.js");
  if (root.querySelector("run-cell:not(:defined)")) load("./run/cell.js");
  for (const figure of root.querySelectorAll(".interactive > :not(:defined)")) load(`./figures/${figure.localName}.js`);
}

// The search loads its index now, while the reader types.
addEventListener("focusin", ({ target }) => {
  if (target.matches(".md-search__input")) new BroadcastChannel("search").postMessage("open");
});

repair(document);
enliven(document);
new MutationObserver(() => { repair(document); enliven(document); }).observe(document.body, { childList: true, subtree: true });
