// <run-cell for="block" chain="earlier blocks">: Run, Edit, Reset and Stop for one block of Python.
// Nothing of Python is loaded before the first Run. See sitekit/fences.py for the markup.
import { FOLDER, MEGABYTES } from "./runtime.js";

const ROOT = new URL(FOLDER, import.meta.url).href;

// ---- what is remembered: edits for this visit, progress and "Python is here" on this device ----

function remembered(store) {
  return {
    get(key) { try { return globalThis[store].getItem(key); } catch { return null; } },
    set(key, value) { try { globalThis[store].setItem(key, value); } catch { /* private window */ } },
    drop(key) { try { globalThis[store].removeItem(key); } catch { /* private window */ } },
  };
}
const visit = remembered("sessionStorage"), device = remembered("localStorage");
const SOLVED = "dropout solved", LOADED = "dropout python"; // other sites may share the origin

function parsed(text, otherwise) {
  try { return JSON.parse(text) ?? otherwise; } catch { return otherwise; }
}
const solved = () => new Set([parsed(device.get(SOLVED), [])].flat());

// ---- Python, in a worker: one for all pages of the visit ---------------------------------------

export const kernel = {
  jobs: new Map(), count: 0, worker: null, ready: false, edited: false,
  start() {
    if (this.worker) return;
    // A worker made of a blob is under the page's security policy; one from an address is not.
    const file = JSON.stringify(new URL("worker.js", import.meta.url).href);
    const address = URL.createObjectURL(new Blob([`import ${file};`], { type: "text/javascript" }));
    const worker = new Worker(address, { type: "module", name: "python" });
    worker.onmessage = ({ data }) => {
      if (worker !== this.worker) return;
      if (data.ready) {
        URL.revokeObjectURL(address);
        this.ready = true;
        device.set(LOADED, FOLDER);
        for (const cell of cells()) cell.label();
      } else if (data.fatal) this.end({ fatal: data.fatal });
      else if (data.type !== "done") this.jobs.get(data.id)?.hear(data);
      else { this.jobs.get(data.id)?.resolve(data); this.jobs.delete(data.id); }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker === this.worker) this.end({ fatal: event.message || "the worker could not start" });
    };
    worker.postMessage({ boot: ROOT });
    this.worker = worker;
  },
  end(result) { // the only way to stop Python: its worker ends, and with it all it did
    const loaded = this.ready;
    this.worker?.terminate();
    this.worker = null;
    this.ready = this.edited = false;
    for (const [id, job] of this.jobs) { this.jobs.delete(id); job.resolve({ ...result, loaded }); }
  },
  run(job, hear) {
    this.start();
    if (job.edited) this.edited = true; // from now on NumPy itself may have been changed
    const id = ++this.count;
    return new Promise((resolve) => {
      this.jobs.set(id, { hear, resolve });
      this.worker.postMessage({ ...job, id });
    });
  },
};
let queue = Promise.resolve();

// ---- output: text, and drawings of which only what draws is kept --------------------------------

const DRAWS = new Set("svg g path line polyline polygon circle rect text tspan title desc".split(" "));
const LOOKS = /^(d|points|[xyr]|[xy][12]|[cdr][xy]|width|height|viewBox|transform|opacity|(fill|stroke|text|font)(-[a-z]+)*)$/;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const clean = (text) => text.replace(/\r\n?/g, "\n").replace(CONTROLS, "\ufffd");

function drawingOf(text, name) {
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (root.localName !== "svg" || !/svg$/.test(root.namespaceURI)) return "a drawing that is no SVG";
  for (const node of [root, ...root.querySelectorAll("*")]) {
    if (!DRAWS.has(node.localName)) node.remove();
    for (const { name: key, value } of [...node.attributes]) {
      if (!LOOKS.test(key) || /url|\\|script/i.test(value)) node.removeAttribute(key);
    }
  }
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", name);
  return document.importNode(root, true);
}

const NUMBER = /(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi;
const trimmed = (text) => text.trimEnd().split("\n").map((line) => line.trimEnd()).join("\n");

// Text exactly, numbers to 1e-9: the rule by which the site's own tests compare.
export function same(shown, printed) {
  const [a, b] = [trimmed(shown), trimmed(printed)];
  if (a === b) return true;
  if (a.replace(NUMBER, "#") !== b.replace(NUMBER, "#")) return false;
  const [x, y] = [a.match(NUMBER) ?? [], b.match(NUMBER) ?? []];
  return x.every((one, n) => {
    const other = y[n];
    if (/^[-+]?\d+$/.test(one) || /^[-+]?\d+$/.test(other)) return one === other;
    const [u, v] = [Number(one), Number(other)];
    return (one[0] === "-") === (other[0] === "-") && Math.abs(u - v) <= 1e-9 * Math.max(Math.abs(u), Math.abs(v));
  });
}

// ---- the element -------------------------------------------------------------------------------

const EDITED = " Edited: Copy gives your version.";
const MARK = "# Edited in the page: this is not the tested code.\n"; // for who finds the copy later
const lastLine = (text) => text.trim().split("\n").pop().slice(0, 160);
const make = (tag, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
};

class RunCell extends HTMLElement {
  connectedCallback() {
    if (this.bar) return;
    this.block = document.getElementById(this.getAttribute("for"));
    this.pre = this.block?.querySelector("pre");
    const code = this.pre?.querySelector("code");
    if (!code) return;
    this.chain = (this.getAttribute("chain") ?? "").split(" ").filter(Boolean);
    this.check = this.getAttribute("check");
    this.colours = code.innerHTML;
    this.original = this.source = code.textContent.replace(/\n$/, "");
    this.program = this.block.dataset.copy;
    this.tested = this.#tested();
    this.number = [...document.querySelectorAll("run-cell")].indexOf(this) + 1;
    this.#build();
    const kept = parsed(visit.get(this.#key()), null);
    if (kept?.of === this.original && typeof kept.code === "string") this.#change(kept.code, true);
    else this.#copy(); // an earlier block may have been edited
    if (this.check) this.#exercise();
  }

  disconnectedCallback() { // the theme shows another page
    const before = this.dataset.state;
    this.dataset.state = "left";
    if (before === "running") kernel.end({ stopped: true });
  }

  #key() { return `dropout edit ${location.pathname}#${this.block.id}`; }

  #tested() {
    if (!this.hasAttribute("shown")) return null;
    const after = this.nextElementSibling ?? this.parentElement.nextElementSibling;
    return after?.classList.contains("output") ? after : null;
  }

  #build() {
    const name = `code block ${this.number}`;
    const button = (word, act) => {
      const made = make("button", { type: "button", textContent: word, onclick: act });
      made.setAttribute("aria-label", `${word} ${name}`);
      return made;
    };
    this.buttons = {
      check: button("Check", () => this.run(true)), run: button("Run", () => this.run()),
      stop: button("Stop", () => this.stop()), edit: button("Edit", () => this.edit()),
      reset: button("Reset", () => this.reset()),
    };
    this.buttons.stop.hidden = this.buttons.reset.hidden = true;
    if (!this.check) this.buttons.check.hidden = true;
    this.main = this.check ? this.buttons.check : this.buttons.run;
    this.buttons.edit.setAttribute("aria-expanded", "false");
    this.status = make("span", { className: "run-status" });
    this.status.setAttribute("role", "status");
    this.bar = make("div", { className: "run-bar" }, ...Object.values(this.buttons), this.status);
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", `Controls of ${name}`);
    this.heading = make("span", { className: "output__label" });
    this.out = make("div", { className: "run-out output", hidden: true }, this.heading);
    this.out.setAttribute("role", "log");
    this.out.setAttribute("aria-live", "off"); // the status tells how it went; long output is not read out
    this.out.setAttribute("aria-label", `Output of ${name}`);
    this.append(this.bar, this.out);
    this.dataset.state = "idle";
    this.label();
  }

  // The first Run says what it costs.
  label() {
    const here = kernel.ready || device.get(LOADED) === FOLDER;
    for (const [button, word] of [[this.buttons.run, "Run"], [this.buttons.check, "Check"]]) {
      button.textContent = here ? word : `${word} (${MEGABYTES} MB once)`;
      button.setAttribute("aria-label", `${button.textContent}, code block ${this.number}`);
    }
  }

  // ---- running ----

  get busy() { return this.dataset.state === "waiting" || this.dataset.state === "running"; }

  #state(state) {
    this.dataset.state = state;
    if (!this.busy && document.activeElement === this.buttons.stop) this.main.focus();
    this.buttons.stop.hidden = !this.busy;
    // Not `disabled`: that would take the focus away from who pressed it.
    for (const button of [this.buttons.run, this.buttons.check]) button.setAttribute("aria-disabled", String(this.busy));
  }

  run(check = false) {
    if (this.busy) return queue;
    this.#state("waiting");
    this.status.textContent = kernel.ready ? "Waiting…" : `Loading Python (up to ${MEGABYTES} MB)…`;
    const ticket = this.ticket = {}; // Stop, then Run again: only the second one runs
    queue = queue.then(() => (this.busy && this.ticket === ticket ? this.#execute(check) : null)).catch((error) => {
      kernel.end({ stopped: true });
      if (this.isConnected) this.#settle({ fatal: String(error), loaded: true }, { printed: "" });
    });
    return queue;
  }

  get #edited() { return this.edited || this.chain.some((id) => cellOf(id)?.edited); }

  async #execute(check) {
    this.#state("running");
    const job = {
      earlier: this.chain.map(sourceOf), code: this.source, check: check ? this.check : "", edited: this.#edited || check,
    };
    const long = setTimeout(() => { this.status.textContent = "Still running. Stop ends it."; }, 10_000);
    let run = await this.#once(job);
    if (!job.edited && kernel.edited && !this.#asTested(run)) { // did an edit change Python itself?
      kernel.end();
      run = await this.#once(job);
    }
    clearTimeout(long);
    if (this.isConnected) this.#settle(run.result, { ...run, edited: this.#edited, check });
  }

  async #once(job) {
    if (this.tested) this.out.style.minHeight = `${this.tested.offsetHeight}px`; // nothing below moves
    if (this.tested) this.tested.hidden = true;
    this.out.replaceChildren(this.heading);
    this.out.hidden = !this.tested;
    this.heading.textContent = "Output";
    this.feedback?.replaceChildren();
    let printed = "", box = null, refused = "";
    const result = await kernel.run(job, ({ type, text, summary }) => {
      if (type === "start") { this.status.textContent = "Running…"; return; }
      if (type === "wrong") { refused = clean(text); return; }
      if (type === "out") printed += text;
      if (type === "error") printed += `${summary}\n`;
      this.out.hidden = false;
      if (type === "svg") { this.out.append(drawingOf(text, `Drawing of code block ${this.number}`)); box = null; return; }
      if (box?.dataset.type !== type) {
        box = make("pre", { className: type === "error" ? "run-error" : "" }, make("code", { tabIndex: 0 }));
        box.dataset.type = type;
        this.out.append(box);
      }
      box.firstChild.append(clean(text));
    });
    return { result, printed, refused };
  }

  #asTested({ result, printed }) {
    const shown = this.tested?.querySelector("code").textContent ?? "";
    return !result.stopped && !result.fatal && same(shown, printed) && (result.ok || this.hasAttribute("wrong"));
  }

  #settle(result, { printed, edited, refused, check, waited }) {
    this.out.style.minHeight = "";
    const { stopped, fatal, loaded, ok } = result, broken = stopped || fatal;
    const wanted = this.#asTested({ result, printed });
    this.dataset.same = String(wanted);
    this.#state(fatal ? "failed" : stopped ? "stopped" : refused ? "wrong" : ok ? "done" : "error");
    const seconds = result.ms >= 1000 ? ` in ${(result.ms / 1000).toFixed(1)} s` : "";
    this.status.textContent =
      waited ? "Not run."
      : stopped ? "Stopped. Run starts Python anew."
      : fatal && !loaded ? `Python did not load (${lastLine(fatal)}). Check the connection, then press Run again.`
      : fatal ? `Python ended (${lastLine(fatal)}). Run starts it anew.`
      : check && (ok || refused) ? "" // the feedback says it
      : edited ? (ok ? `Your version ran${seconds}.` : "Your version stopped with an error.")
      : !this.tested ? (ok ? `Ran${seconds}.` : "Stopped with an error.")
      : wanted ? `Same as tested${seconds}.` : "Not the same as tested: both are shown.";
    this.heading.textContent = edited ? "Output of your version" : wanted && this.tested ? "Output, same as tested" : "Output of this run";
    this.#showTested(edited || broken || !wanted);
    this.out.hidden = this.out.childElementCount < 2;
    this.#say();
    if (check && !broken) this.#answer(refused, ok);
  }

  #showTested(beside) {
    if (!this.tested) return;
    this.tested.hidden = !beside;
    this.tested.querySelector(".output__label").textContent = beside ? "Tested output" : "Output";
  }

  stop() {
    if (this.dataset.state === "running") kernel.end({ stopped: true });
    else if (this.dataset.state === "waiting") this.#settle({ stopped: true }, { printed: "", waited: true });
  }

  // ---- editing ----

  get edited() { return this.source !== this.original; }

  async edit() {
    try {
      const { open } = await import("./editor.js");
      this.editor ??= open(this.pre, {
        text: this.source, label: `Code block ${this.number}`,
        changed: (text) => this.#change(text), run: () => this.run(Boolean(this.check)),
        leave: () => this.buttons.edit.focus(),
      });
      this.buttons.edit.setAttribute("aria-expanded", "true");
      this.editor.focus();
    } catch {
      this.status.textContent = "The editor could not be loaded. Check the connection, then press Edit again.";
    }
  }

  async #change(text, restored = false) {
    this.source = text;
    this.buttons.reset.hidden = !this.edited;
    if (this.edited) visit.set(this.#key(), JSON.stringify({ of: this.original, code: text }));
    else visit.drop(this.#key());
    this.#say();
    for (const cell of cells()) cell.#copy();
    if (!restored) return;
    const code = this.pre.querySelector("code");
    code.textContent = `${text}\n`;
    const { paint } = await import("./editor.js").catch(() => ({}));
    if (this.source === text && !this.editor) paint?.(code, text);
  }

  #say() {
    const said = this.status.textContent.replace(EDITED, "");
    const says = this.edited ? `${said}${EDITED}` : said;
    if (this.status.textContent !== says) this.status.textContent = says;
  }

  #copy() { // the theme's copy button gives what data-copy holds
    const first = /^# WRONG ON PURPOSE.*\n/.exec(this.program)?.[0] ?? "";
    const program = `${first}${MARK}${[...this.chain.map(sourceOf), this.source].join("\n\n")}\n`;
    this.block.dataset.copy = this.#edited ? program : this.program;
    this.block.classList.toggle("edited", this.#edited);
  }

  async reset() {
    if (this.busy) { this.stop(); await queue; }
    const inside = this.contains(document.activeElement) || this.pre.contains(document.activeElement);
    this.editor?.close();
    this.editor = null;
    this.buttons.edit.setAttribute("aria-expanded", "false");
    this.pre.querySelector("code").innerHTML = this.colours; // what the page came with
    this.status.textContent = "The tested code is back.";
    this.#change(this.original);
    this.out.hidden = true;
    if (this.tested) this.#showTested(true);
    if (this.tested) this.tested.querySelector(".output__label").textContent = "Output";
    this.feedback?.replaceChildren();
    this.#state("idle");
    if (inside) this.buttons.edit.focus();
  }

  // ---- exercises ----

  #exercise() {
    this.feedback = make("div", { className: "run-feedback" });
    this.feedback.setAttribute("role", "status");
    this.append(this.feedback);
    let hint = this.closest(".exercise")?.nextElementSibling;
    for (let before = null; hint?.classList.contains("hint"); before = hint, hint = hint.nextElementSibling) {
      const mine = hint;
      if (!before) continue;
      mine.hidden = !before.open; // one hint at a time
      before.addEventListener("toggle", () => { mine.hidden = false; }, { once: true });
    }
    this.#mark();
  }

  #answer(refused, ok) {
    if (ok) device.set(SOLVED, JSON.stringify([...solved().add(this.#key())]));
    const said = make("p", { className: ok ? "run-right" : "run-wrong", textContent: ok ? "Right." : refused });
    if (ok || refused) this.feedback.replaceChildren(said);
    this.#mark();
  }

  #mark() {
    this.progress?.remove();
    if (!solved().has(this.#key())) return;
    const clear = make("button", { type: "button", textContent: "Clear my progress on all pages", onclick: () => {
      device.drop(SOLVED);
      for (const cell of cells()) if (cell.check) cell.#mark();
      this.main.focus();
    } });
    this.progress = make("p", { className: "run-progress" }, "Solved, remembered in this browser only. ", clear);
    this.append(this.progress);
  }
}

const cells = () => [...document.querySelectorAll("run-cell")].filter((cell) => cell.bar);
const cellOf = (id) => document.querySelector(`run-cell[for="${id}"]`);
const sourceOf = (id) => cellOf(id)?.source ?? document.getElementById(id)?.querySelector("code").textContent.replace(/\n$/, "") ?? "";

customElements.define("run-cell", RunCell);
