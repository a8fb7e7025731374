// What the page does better with a script: stories open beside the map, arrow keys walk the days, accounts are found
// while typing, a run that goes on is followed. Without it every link and form works by itself.
"use strict";
(() => {
  const LOOK_AGAIN = 10000;
  const served = location.protocol !== "file:" && document.querySelector('link[rel="stylesheet"]');

  async function read(address) {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  // ---- stories ----

  function dialog() {
    let box = document.querySelector("dialog");
    if (box) return box;
    box = document.createElement("dialog");
    box.setAttribute("aria-labelledby", "story-title");
    const close = document.createElement("button");
    close.className = "close";
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => box.close());
    const body = document.createElement("div");
    box.append(close, body);
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
    document.body.append(box);
    return box;
  }

  async function tell(link) {
    const box = dialog();
    try {
      const found = (await read(link.href)).querySelector(".story-card");
      box.lastElementChild.replaceChildren(document.adoptNode(found));
      if (!box.open) box.showModal();
      box.scrollTop = 0;
    } catch {
      location.assign(link.href);
    }
  }

  function isStory(link) {
    const page = new URL(link.href, location.href).pathname.split("/").pop();
    return page === "slice" || page === "day";
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!served || !link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (!isStory(link)) return;
    event.preventDefault();
    tell(link);
  });

  // ---- calendars and the matrix by keyboard: one stop each, arrows inside ----

  function daysOf(calendar) {
    return [...calendar.querySelectorAll(".month")].reverse().flatMap((month) => [...month.querySelectorAll("td > a")]);
  }

  function rove(links) {
    links.forEach((link, place) => { link.tabIndex = place === links.length - 1 ? 0 : -1; });
  }

  function prepare() {
    document.querySelectorAll(".calendar").forEach((calendar) => rove(daysOf(calendar)));
  }

  function step(key, place, last) {
    const to = { ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: place - 7, ArrowDown: place + 7, Home: 0, End: last }[key];
    return to === undefined || to < 0 || to > last ? null : to;
  }

  document.addEventListener("keydown", (event) => {
    const calendar = event.target.closest && event.target.closest(".calendar");
    if (!calendar || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = daysOf(calendar);
    const to = step(event.key, links.indexOf(event.target), links.length - 1);
    if (to === null) return;
    event.preventDefault();
    links.forEach((link) => { link.tabIndex = -1; });
    links[to].tabIndex = 0;
    links[to].focus();
  });

  document.addEventListener("mouseover", (event) => {
    const square = event.target.closest("td > [aria-label]");
    if (square && !square.title) square.title = square.getAttribute("aria-label");
  });

  // ---- accounts are found while typing ----

  function filter(form) {
    let asked = 0;
    async function show() {
      const mine = ++asked;
      const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
      const found = (await read(address)).querySelector("#owners");
      if (mine === asked && found) document.querySelector("#owners").replaceWith(document.adoptNode(found));
    }
    let timer = 0;
    form.elements.q.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => show().catch(() => form.submit()), 150);
    });
    form.elements.table.addEventListener("change", () => form.submit());
  }

  // ---- a run that goes on ----

  function follow() {
    setTimeout(async () => {
      const here = document.querySelector("#current[data-running]");
      if (!here) return;
      try {
        const there = (await read(location.href)).querySelector("#current");
        if (there && !document.hidden) here.replaceWith(document.adoptNode(there));
      } catch { /* the server may be gone: the page stays as it was */ }
      follow();
    }, LOOK_AGAIN);
  }

  // ---- a file by itself: what an address names may lie in something folded ----

  function unfold() {
    const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = named && named.closest("details");
    if (folded && !folded.open) {
      folded.open = true;
      named.scrollIntoView();
    }
  }

  function printed() {
    document.querySelectorAll(".charts + details").forEach((details) => { details.open = true; });
  }

  addEventListener("DOMContentLoaded", () => {
    prepare();
    unfold();
    if (!served) return;
    document.querySelectorAll("form.filter").forEach(filter);
    follow();
  });
  addEventListener("hashchange", unfold);
  addEventListener("beforeprint", printed);
})();
