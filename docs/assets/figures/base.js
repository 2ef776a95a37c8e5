// What all interactive figures share. A figure is a plain object:
//   name      of the custom element
//   controls  [{ id, label, type: "range", min, max, step, value }, { ..., type: "choice",
//             options, value }, { ..., type: "check", value }, { ..., type: "button" }];
//             restarts: true starts anew with a new value, off(values) says when it has no effect
//   start(values, random)         what it remembers, from its controls and a seeded generator
//   act(memory, id, values, random)   what a button does to it (optional)
//   model(values, memory)         the numbers that it shows
//   draw(numbers, values)         the inside of its <svg>, as text
//   say(numbers, values)          one sentence with the same numbers, for eyes and ears
//   box       width and height of the drawing
// All of them are pure, so that a test compares the numbers with NumPy's without a browser.

export function generator(seed) { // mulberry32: uniform numbers in [0, 1)
  let a = seed | 0;
  const next = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  next.seed = () => a; // a generator with this seed goes on from here
  return next;
}

export const initial = (figure) => Object.fromEntries(figure.controls.map((c) => [c.id, c.value]));
export const tag = (name, attributes, inside = "") =>
  `<${name}${Object.entries(attributes).map(([k, v]) => ` ${k}="${typeof v === "number" ? +v.toFixed(2) : v}"`).join("")}>${inside}</${name}>`;

export function define(figure) {
  if (!globalThis.customElements) return figure; // Node imports the model
  customElements.define(figure.name, class extends HTMLElement {
    connectedCallback() {
      if (this.bar) return;
      this.svg = this.querySelector("svg");
      this.status = this.querySelector(".interactive__said");
      if (!this.svg) return;
      this.bar = this.insertBefore(document.createElement("div"), this.status);
      this.bar.className = "interactive__controls";
      this.bar.setAttribute("role", "group");
      this.bar.setAttribute("aria-label", `Controls: ${figure.name.replaceAll("-", " ")}`);
      this.inputs = {};
      const controls = [...figure.controls, { id: "reset", label: "Start again", type: "button" }];
      for (const control of controls) this.bar.append(this.#control(control));
      this.status.setAttribute("role", "status");
      this.#reset();
    }

    disconnectedCallback() { clearTimeout(this.telling); }

    #control(control) {
      const { id, label, type } = control;
      const make = (name, more) => Object.assign(document.createElement(name), more);
      if (type === "button") {
        return make("button", { type: "button", textContent: label, onclick: () => this.#press(id) });
      }
      const box = make("label", { textContent: `${label} ` });
      let input;
      if (type === "choice") {
        input = make("select", { onchange: () => this.#set(id, input.value) });
        for (const option of control.options) input.append(make("option", { textContent: option, value: option }));
      } else if (type === "check") {
        input = make("input", { type: "checkbox", onchange: () => this.#set(id, input.checked) });
      } else {
        input = make("input", { type: "range", min: control.min, max: control.max, step: control.step });
        input.oninput = () => this.#set(id, Number(input.value));
      }
      box.append(input);
      if (type === "range") {
        const value = make("span", { className: "interactive__value" });
        value.setAttribute("aria-hidden", "true"); // the slider tells its value itself
        box.append(value);
      }
      this.inputs[id] = input;
      return box;
    }

    #reset() {
      this.seed = Number(this.getAttribute("seed") ?? 1);
      this.#restart(initial(figure));
    }

    #restart(values) {
      this.values = values;
      this.random = generator(this.seed);
      this.memory = figure.start(values, this.random);
      this.#show();
    }

    #set(id, value) {
      this.values = { ...this.values, [id]: value };
      if (figure.controls.find((c) => c.id === id).restarts) this.#restart(this.values);
      else this.#show();
    }

    #press(id) {
      if (id === "reset") return this.#reset();
      this.seed = this.random.seed(); // what restarts later keeps what was drawn now
      this.memory = figure.act(this.memory, id, this.values, this.random);
      this.#show();
    }

    #show() {
      const numbers = figure.model(this.values, this.memory);
      for (const { id, off } of figure.controls) {
        const input = this.inputs[id];
        if (!input) continue;
        input.disabled = off?.(this.values) ?? false;
        if (input.type === "checkbox") input.checked = this.values[id];
        else input.value = this.values[id];
        if (input.type !== "range") continue;
        input.nextSibling.textContent = this.values[id];
        input.setAttribute("aria-valuetext", this.values[id]);
      }
      this.svg.innerHTML = figure.draw(numbers, this.values); // text made here, of numbers only
      const said = figure.say(numbers, this.values);
      clearTimeout(this.telling); // while a slider moves, nothing is read out
      this.telling = setTimeout(() => { if (this.status.textContent !== said) this.status.textContent = said; }, 300);
    }
  });
  return figure;
}
