// Search as you type. Without this script, the form works, too.
"use strict";
const form = document.querySelector("form[role=search]");
const results = document.getElementById("results");

if (form && results) {
  const box = form.elements.q;
  let timer, running, typing = false;

  async function show(address) {
    running?.abort();
    running = new AbortController();
    const url = new URL(address);
    url.searchParams.set("fragment", "true");
    try {
      const answer = await fetch(url, { signal: running.signal });
      if (answer.ok) results.innerHTML = await answer.text(); // the server has escaped all that comes from pages
      else results.textContent = `The server answers with status ${answer.status}: try again, or ask for less.`;
    } catch (error) {
      if (error.name !== "AbortError") results.textContent = "The server does not answer.";
    }
  }

  function addressOfForm() {
    const url = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (value.trim()) url.searchParams.set(name, value);
    return url;
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const url = addressOfForm();
      history[typing ? "replaceState" : "pushState"](null, "", url); // one step back for one search
      typing = true;
      show(url);
    }, 150);
  });
  box.addEventListener("blur", () => { typing = false; });
  addEventListener("popstate", () => {
    clearTimeout(timer);
    typing = false;
    const parameters = new URL(location).searchParams;
    box.value = parameters.get("q") ?? "";
    show(location);
  });
  addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, textarea, select");
    if (event.key === "/" && !inField && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
}
