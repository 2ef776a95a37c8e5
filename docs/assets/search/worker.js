// Takes the place of the theme's search worker and speaks its messages. It loads the index when
// somebody opens the search (site.js says so) or asks something; no page loads it before.
const [SETUP, READY, QUERY, RESULT] = [0, 1, 2, 3];
const PAGES = 20; // shown at most
const SECTIONS = 6; // of a page

const LATER = 1000; // milliseconds; before, a first query would wait for the whole index

let loading = null;
let ranking; // of answers and pages by their titles, soon of everything
let everything; // called, it makes that
let whole = false; // it is made
let newest = 0; // a query that another one has overtaken needs no answer

async function load() {
  const [{ Ranking }, response] = await Promise.all([import("./rank.js"), fetch("index.json")]);
  const data = await response.json();
  const docs = data.docs.filter(([address, , also]) => also || !address.includes("#"));
  let made;
  everything = () => (made ??= new Promise((done) => {
    setTimeout(() => {
      ranking = new Ranking(data);
      done((whole = true));
    }, 20); // a first result goes out before
  }));
  ranking = new Ranking({ ...data, docs }, ["title", "also"]);
  setTimeout(everything, LATER);
}

const escaped = (text) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function items(query) {
  return ranking.search(query).slice(0, PAGES).map(({ page, sections }) => {
    const shown = sections.slice(0, SECTIONS).map(({ id, score, matched, here }) => {
      const [location, title, , text] = ranking.docs[id];
      const mark = (words) =>
        escaped(words).replace(/[\p{L}\p{N}_]+/gu, (word) =>
          ranking.terms(word).some((term) => matched.includes(term)) ? `<mark>${word}</mark>` : word,
        );
      return { location, title: mark(title), text: mark(text), score, terms: here };
    });
    if (!shown.some(({ location }) => location === page)) {
      const [, title] = ranking.docs.find(([location]) => location === page);
      shown.push({ location: page, title: escaped(title), text: "", score: 0, terms: {} });
    }
    return shown;
  });
}

async function opened() {
  try {
    await (loading ??= load());
    return true;
  } catch (error) {
    loading = null; // the next query tries again
    console.warn("the search index could not be loaded", error);
    return false;
  }
}

async function reply(query, number) {
  const found = query.trim() && (await opened()) && number === newest ? items(query) : [];
  if (number === newest) postMessage({ type: RESULT, data: { items: found } });
}

new BroadcastChannel("search").addEventListener("message", opened);

addEventListener("message", async ({ data: { type, data } }) => {
  if (type === SETUP) postMessage({ type: READY });
  if (type !== QUERY) return;
  const number = ++newest;
  await reply(data, number);
  if (everything && !whole) await everything().then(() => reply(data, number));
});
