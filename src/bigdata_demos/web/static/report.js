// The search of a report: every word of the query starts a word of the title or of a keyword.
"use strict";
const most = 50;
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const pages = JSON.parse(document.getElementById("pages").textContent).map(([url, title, language, keywords]) => ({
  url, title, language, keywords, words: ` ${fold([title, ...keywords].join(" ")).replace(/[^\p{L}\p{N}]+/gu, " ")}`,
  inTitle: ` ${fold(title).replace(/[^\p{L}\p{N}]+/gu, " ")}`,
}));
const results = document.getElementById("results");
const state = document.getElementById("status");

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text) {
    const isolated = document.createElement("bdi"); // text of any direction
    isolated.textContent = text.length > 200 ? `${text.slice(0, 199)}…` : text;
    made.append(isolated);
  }
  return made;
}

function isOfTheWeb(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

function item(page) {
  const made = document.createElement("li");
  const keywords = element("p", "", { className: "keywords", lang: page.language });
  for (const keyword of page.keywords) keywords.append(element("span", keyword, { className: "keyword" }), " ");
  const address = isOfTheWeb(page.url)
    ? element("a", page.url, { className: "url", href: page.url, rel: "noreferrer nofollow" })
    : element("span", page.url, { className: "url" });
  const line = document.createElement("p");
  line.append(address);
  made.append(element("h3", page.title || page.url, { lang: page.language }), line, keywords);
  return made;
}

function search(query) {
  const words = fold(query).split(/[^\p{L}\p{N}]+/u).filter(Boolean).map((word) => ` ${word}`);
  const found = pages.filter((page) => words.every((word) => page.words.includes(word)));
  const score = (page) => words.filter((word) => page.inTitle.includes(word)).length;
  if (words.length) found.sort((one, other) => score(other) - score(one)); // stable: by address otherwise
  results.replaceChildren(...found.slice(0, most).map(item));
  const shown = found.length > most ? `, the first ${most} shown` : "";
  state.textContent = `${found.length} ${found.length === 1 ? "page" : "pages"}${shown}`;
}

document.getElementById("q").addEventListener("input", (event) => search(event.target.value));
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
