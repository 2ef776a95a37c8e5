// Which pages answer a query, best first. A document is [address, title, other words for it, its
// first words, its further words], see sitekit/search.py. Runs in worker.js.
import MiniSearch from "./minisearch.js";
import { stemmer } from "./stemmer.js";

// Chosen on the tuning half of tests/search/phrasings.json; see CONTRIBUTING.md.
export const TUNED = {
  boost: { title: 2, also: 3.5, shown: 1, rest: 0.8 }, // of a match in a field
  bm25: { k: 0.6, b: 0.5, d: 0.1 },
  concept: 0.2, // a synonym, against the word itself
  prefix: 0.5, // the beginning of a word that is being typed
  coverage: 0.5, // exponent of the share of the query that was found
  answer: 1.3, // an answer, against any other page
  page: 1.1, // a page's beginning, against its sections
  exact: 5, // a title typed in full
};
const FIELDS = Object.keys(TUNED.boost);
const WORD = /(?:1|\(1-\w+\))\/\(?[\w-]+\)?|\d+\.\d+|[\p{L}\p{N}_]+/gu;

const known = new Map(); // stems by word; most words come often
const stem = (word) => known.get(word) ?? known.set(word, stemmer(word)).get(word);

// The stems of a text in order; "SpatialDropout1D" and "keep_prob" whole and in parts.
function stems(text) {
  const found = [];
  const plain = text.replace(/['’]/g, "").replace(/\bdrop[ -]out/gi, "dropout");
  for (const word of plain.match(WORD) ?? []) {
    const small = word.toLowerCase();
    if (/_|[a-z][A-Z]/.test(word)) {
      found.push(small);
      const parts = word.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase().split("_");
      found.push(...parts.filter(Boolean).map(stem));
    } else {
      found.push(stem(small));
    }
  }
  return found;
}

export class Ranking {
  constructor({ docs, stop, synonyms }, fields = FIELDS) {
    this.docs = docs;
    this.stop = new Set(stop.flatMap((word) => [word, stem(word)]));
    // By the first stem of each name of a concept: the whole name, and which concept it is.
    this.concepts = new Map();
    synonyms.forEach((group, number) => {
      for (const name of group.map(stems)) {
        const others = this.concepts.get(name[0]) ?? [];
        this.concepts.set(name[0], [...others, [name, `~${number}`]]);
      }
    });
    this.frequencies = new Map();
    this.index = new MiniSearch({
      fields,
      tokenize: (text) => this.terms(text),
      processTerm: (term) => (this.stop.has(term) ? null : term),
    });
    docs.forEach(([, title, also, shown, rest], id) => {
      this.index.add({ id, title, also, shown, rest });
    });
  }

  // Stems, and the concepts ("~3") that any of their names brings in.
  terms(text) {
    const found = stems(text);
    const all = [...found];
    found.forEach((term, place) => {
      for (const [name, concept] of this.concepts.get(term) ?? []) {
        if (name.every((part, step) => found[place + step] === part)) all.push(concept);
      }
    });
    return all;
  }

  // A word that is nowhere becomes the nearest and commonest that is somewhere.
  corrected(query) {
    return query.replace(/['’]/g, "").replace(WORD, (word, place, plain) => {
      const small = word.toLowerCase();
      const isKnown = stems(word).some((term) => this.frequency(term) || this.stop.has(term));
      if (isKnown || !/^[a-z]{4,}$/.test(small)) return word;
      const typing = place + word.length === plain.length;
      if (typing && this.spelling().search(small, { prefix: true }).length) return word;
      const [best] = this.spelling().search(small, {
        fuzzy: small.length < 6 ? 1 : 2,
        boostDocument: (id) => Math.log(1 + this.written.get(id)),
      });
      return best?.id ?? word;
    });
  }

  // Made when the first unknown word is typed.
  spelling() {
    if (this.written) return this.spelt;
    this.written = new Map(); // how often a word is written
    for (const [, ...texts] of this.docs) {
      for (const word of texts.join(" ").toLowerCase().match(/\p{L}{4,}/gu) ?? []) {
        this.written.set(word, (this.written.get(word) ?? 0) + 1);
      }
    }
    this.spelt = new MiniSearch({ fields: ["id"] });
    this.spelt.addAll([...this.written.keys()].map((id) => ({ id })));
    return this.spelt;
  }

  // In how many documents a term is.
  frequency(term) {
    if (!this.frequencies.has(term)) {
      const found = this.index.search(term, { tokenize: (word) => [word] });
      this.frequencies.set(term, found.length);
    }
    return this.frequencies.get(term);
  }

  weight(term) {
    const weight = Math.log(1 + this.docs.length / (1 + this.frequency(term)));
    return term.startsWith("~") ? weight * TUNED.concept : weight;
  }

  // Pages, best first, each with the sections that match.
  search(typed) {
    const query = this.corrected(typed);
    const words = query.match(WORD) ?? [];
    const terms = [...new Set(this.terms(query))].filter((term) => !this.stop.has(term));
    const total = terms.reduce((sum, term) => sum + this.weight(term), 0);
    const exact = stems(query).join(" ");
    const isKnown = (term) => this.frequency(term) > 0;
    const results = this.index.search(terms.join(" "), {
      tokenize: (text) => text.split(" "),
      boost: TUNED.boost,
      boostTerm: (term) => (term.startsWith("~") ? TUNED.concept : 1),
      bm25: TUNED.bm25,
      prefix: (term, place) => place === terms.length - 1 && !isKnown(term),
      weights: { fuzzy: 1, prefix: TUNED.prefix },
    });
    const pages = new Map();
    for (const { id, score, queryTerms, terms: matched } of results) {
      const [address, title, also] = this.docs[id];
      const page = address.split("#")[0];
      const covered = queryTerms.reduce((sum, term) => sum + this.weight(term), 0) / total;
      let points = score * covered ** TUNED.coverage;
      if (also) points *= TUNED.answer;
      else if (page === address) points *= TUNED.page;
      if (stems(title).join(" ") === exact) points *= TUNED.exact;
      const here = {}; // which words of the query
      for (const word of words) {
        const parts = stems(word).filter((term) => !this.stop.has(term));
        if (parts.length) here[word] = parts.some((term) => queryTerms.includes(term));
      }
      if (!pages.has(page)) pages.set(page, { page, sections: [] });
      pages.get(page).sections.push({ id, score: points, matched, here });
    }
    for (const { sections } of pages.values()) sections.sort((a, b) => b.score - a.score);
    const best = ({ sections }) => sections[0].score;
    return [...pages.values()].sort((a, b) => best(b) - best(a));
  }
}
