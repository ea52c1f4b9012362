// The page is complete without this script, which only finds and orders rows.
"use strict";
const table = document.querySelector("table");
if (table) {
  const body = table.tBodies[0], rows = [...body.rows];
  const text = document.querySelector("#name"), status = document.querySelector("#status"), shown = document.querySelector("#shown");

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/);
    let count = 0;
    for (const row of rows) {
      const name = row.cells[0].querySelector("code").textContent.toLowerCase();
      const fits = words.every(word => name.includes(word)) && (!status.value || row.querySelector(".mark." + status.value));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    shown.textContent = count + " of " + rows.length;
  }

  // What a cell is ordered by is its own value or, without one, its text.
  function value(row, column) {
    const cell = row.cells[column], own = cell.dataset.order;
    return own === undefined ? cell.textContent : Number(own);
  }

  function sort(head, column) {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, "en", {numeric: true});
    const values = new Map(rows.map(row => [row, value(row, column)]));
    rows.sort((a, b) => compare(values.get(a), values.get(b)) * (down ? -1 : 1));
    body.append(...rows);
  }

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head, column));
    head.append(button);
  });
  text.addEventListener("input", filter);
  status.addEventListener("input", filter);
  document.querySelector("#open").addEventListener("click", event => {
    const open = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", open);
    event.target.textContent = open ? "Close all" : "Open all";
    for (const row of rows) for (const details of row.querySelectorAll("details")) details.open = open && !row.hidden;
  });
  document.querySelector(".controls").hidden = false;
}
