// What the theme builds in the browser and leaves without a name or reach for the keyboard.
// Nothing else depends on this file; without JavaScript neither exists.

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

repair(document);
new MutationObserver(() => repair(document)).observe(document.body, { childList: true, subtree: true });
