// A native <textarea> over the coloured code: undo, screen readers and phone keyboards stay as they are.
const TOKEN = /(#[^\n]*)|((?:[rbfu]|rb|br|fr|rf)?(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|\b(False|None|True|and|as|assert|break|class|continue|def|del|elif|else|except|finally|for|from|if|import|in|is|lambda|not|or|pass|raise|return|try|while|with|yield)\b/gi;
const LAID = "fontFamily fontSize lineHeight letterSpacing paddingTop paddingRight paddingBottom paddingLeft".split(" ");
const CLASSES = [, "c1", "s1", "k"];

function paint(code, text) {
  code.replaceChildren();
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    const span = document.createElement("span");
    span.className = CLASSES[found.findIndex((part, n) => n && part !== undefined)];
    span.textContent = found[0];
    code.append(text.slice(at, found.index), span);
    at = found.index + found[0].length;
  }
  code.append(`${text.slice(at)}\n`);
}

// Show `text` in the block as it would be coloured; return nothing.
export { paint };

export function open(pre, { text, label, changed, run, leave }) {
  const code = pre.querySelector("code");
  const area = Object.assign(document.createElement("textarea"), {
    className: "run-editor", value: text, spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off",
  });
  area.setAttribute("aria-label", label);
  area.setAttribute("aria-description", "Control and Enter runs the code. Escape leaves the editor.");
  code.setAttribute("aria-hidden", "true");
  pre.classList.add("run-editing");
  pre.append(area);
  const fit = () => { // exactly over the code, whatever the block's own style is
    const style = getComputedStyle(code);
    for (const name of LAID) area.style[name] = style[name];
  };
  const follow = () => { paint(code, area.value); code.scrollLeft = area.scrollLeft; };
  area.addEventListener("input", () => { follow(); changed(area.value); });
  area.addEventListener("scroll", () => { code.scrollLeft = area.scrollLeft; });
  window.addEventListener("resize", fit);
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    event.stopPropagation(); // the theme's own keys: /, n, p, s
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      run();
    } else if (event.key === "Escape") {
      event.preventDefault();
      leave();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const line = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
      const deeper = /:\s*(#.*)?$/.test(line) ? "    " : "";
      document.execCommand("insertText", false, `\n${line.match(/^ */)[0]}${deeper}`); // keeps undo
    }
  });
  fit();
  follow();
  area.setSelectionRange(0, 0); // or the view jumps to the end of the last line
  return {
    focus: () => area.focus(),
    close: () => { area.remove(); window.removeEventListener("resize", fit); code.removeAttribute("aria-hidden"); pre.classList.remove("run-editing"); },
  };
}
