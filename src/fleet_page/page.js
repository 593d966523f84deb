// The page is whole without this. It adds: filters that act at once, a search, columns to sort by, buttons to copy.
"use strict";
(() => {
  const make = (name, text, properties) => Object.assign(document.createElement(name), { textContent: text }, properties);
  const told = make("p", "", { className: "unseen" });
  told.setAttribute("role", "status");
  document.body.append(told);

  const form = document.querySelector(".filters");
  if (form) {
    // Not by keyboard: there each step through a list is a change, and nobody wants a new page at each.
    let byKeys = false;
    form.addEventListener("keydown", () => { byKeys = true; });
    form.addEventListener("pointerdown", () => { byKeys = false; });
    form.addEventListener("change", (event) => {
      if (event.target.matches("select") && !byKeys) form.requestSubmit();
    });
    // What is not chosen need not stand in the address.
    form.addEventListener("submit", () => {
      for (const select of form.querySelectorAll("select")) select.disabled = select.value === "";
    });
    addEventListener("pageshow", () => {
      for (const select of form.querySelectorAll("select")) select.disabled = false;
    });
    const label = make("label", "", { className: "search" });
    const input = make("input", "", { id: "search-rows", type: "search", autocomplete: "off", spellcheck: false });
    label.append(make("span", "Search these rows"), input);
    form.append(label);
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      const rows = document.querySelectorAll("tbody tr");
      let found = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        found += row.hidden ? 0 : 1;
      }
      told.textContent = wanted ? `${found} of ${rows.length} rows` : "";
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }

  // What a cell is sorted by: its date, the rank of its risk, else its words.
  const ranks = ["None", "Blocked", "At risk", "Expired"];
  const keyOf = (cell, heading) => {
    const time = cell.querySelector("time");
    if (time) return time.dateTime;
    const text = (cell.querySelector(".object") ?? cell).textContent.trim();
    if (heading === "Risk") return String(ranks.findIndex((rank) => text.startsWith(rank)));
    return text === "–" ? "\uffff" : text.toLowerCase();
  };
  for (const table of document.querySelectorAll("table")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const name = heading.textContent;
      if (name === "URLs") return;
      const button = make("button", name, { type: "button" });
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const falls = heading.getAttribute("aria-sort") === "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row.cells[column], name), row]);
        const order = falls ? -1 : 1;
        rows.sort(([one], [other]) => order * (one < other ? -1 : one > other ? 1 : 0));
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Without TLS a page may only copy what is selected.
    const area = make("textarea", text, { readOnly: true, className: "unseen" });
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error("nothing was copied");
  };
  // Buttons for the first URL of each sort; the rest is in the list. A row has them once it comes near.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target: row } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(row);
      const list = row.querySelector("dl");
      const object = row.querySelector(".object").textContent;
      const shown = new Set();
      for (const code of list?.querySelectorAll("code") ?? []) {
        const what = code.parentElement.previousElementSibling.textContent;
        const short = what.startsWith("REST") ? "REST" : what.split(",")[0];
        if (shown.has(short) || short === "Logs") continue;
        shown.add(short);
        const button = make("button", short, { type: "button", className: "to-copy", title: code.textContent });
        button.setAttribute("aria-label", `Copy ${what} of ${object}`);
        button.dataset.copy = code.textContent;
        button.dataset.name = short;
        list.parentElement.before(button);
      }
    }
  }, { rootMargin: "800px" });
  for (const row of document.querySelectorAll("tbody tr")) near.observe(row);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".to-copy");
    if (!button) return;
    const { copy: text, name } = button.dataset;
    try {
      await copy(text);
      told.textContent = `${name} copied`;
      button.textContent = "Copied";
    } catch {
      told.textContent = "The browser did not allow to copy; select the URL instead";
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = name; }, 1500);
  });

  // The reader's own time, when he rests on a date.
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  document.addEventListener("mouseover", (event) => {
    const time = event.target.closest?.("time");
    if (time && !time.title) time.title = local.format(new Date(time.dateTime));
  });
})();
