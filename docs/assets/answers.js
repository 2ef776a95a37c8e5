// Filters the list of answers by its tags; the choice is kept in the address: ?topic=scaling.
const CHOICES = {
  framework: ["Framework", "Any framework"],
  topic: ["Topic", "Any topic"],
  level: ["Level", "Any level"],
};

class AnswerFilter extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    this.items = [...this.parentElement.querySelectorAll("li[data-topic]")];
    for (const [name, [label, all]] of Object.entries(CHOICES)) {
      const select = document.createElement("select");
      select.name = name;
      select.add(new Option(all, ""));
      for (const [tag, count] of this.tags(name)) select.add(new Option(`${tag} (${count})`, tag));
      select.addEventListener("change", () => this.choose());
      const box = document.createElement("label");
      box.append(label, select);
      this.append(box);
    }
    this.status = document.createElement("p");
    this.status.setAttribute("role", "status");
    this.append(this.status);
    this.restore = () => this.read();
    addEventListener("popstate", this.restore);
    setTimeout(this.restore); // the theme changes the address after the page
  }

  disconnectedCallback() {
    removeEventListener("popstate", this.restore);
  }

  tags(name) {
    const counts = new Map();
    for (const item of this.items) {
      for (const tag of item.dataset[name].split("|")) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
    const names = [...counts];
    return name === "topic" ? names : names.sort(([a], [b]) => a.localeCompare(b));
  }

  read() {
    const chosen = new URLSearchParams(location.search);
    for (const select of this.querySelectorAll("select")) {
      select.value = chosen.get(select.name) ?? "";
      if (select.selectedIndex < 0) select.value = ""; // a tag that is not there
    }
    this.show();
  }

  choose() {
    const chosen = [...this.querySelectorAll("select")].filter(({ value }) => value);
    const query = new URLSearchParams(chosen.map(({ name, value }) => [name, value]));
    const address = new URL(location.href);
    address.search = query;
    history.replaceState(history.state, "", address);
    this.show();
  }

  show() {
    const chosen = [...this.querySelectorAll("select")].filter(({ value }) => value);
    let shown = 0;
    for (const item of this.items) {
      item.hidden = !chosen.every(({ name, value }) => item.dataset[name].split("|").includes(value));
      shown += !item.hidden;
    }
    for (const section of this.parentElement.querySelectorAll("section")) {
      section.hidden = !section.querySelector("li:not([hidden])");
    }
    this.status.textContent = `${shown} of ${this.items.length} answers`;
  }
}

customElements.define("answer-filter", AnswerFilter);
