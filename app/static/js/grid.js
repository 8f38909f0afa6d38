// The grid of pasted rows: what the rules say anew of a row marks its cells (F8 and Escape are those of cells.js).

const cells = (row) => [...row.querySelectorAll(".entry__cell")];

function mark(said) {
  const row = said.closest("tr");
  const faulty = said.dataset.faulty.split(" ");
  row.className = said.dataset.state;
  for (const cell of cells(row)) {
    if (faulty.includes(cell.name.replace(/^case-\d+-/, ""))) cell.setAttribute("aria-invalid", "true");
    else cell.removeAttribute("aria-invalid");
  }
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id === "counts" || event.target.id === "counts") document.querySelectorAll("[data-faulty]").forEach(mark);
});
