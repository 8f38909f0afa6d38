// Rows of a spreadsheet pasted straight into a field of the line open their preview instead of filling that field.

const form = document.getElementById("paste");

/** Several rows, or one row of several cells: what spreadsheets put on the clipboard. */
const isTable = (text) => text.trim().includes("\t");

document.addEventListener("paste", (event) => {
  const input = event.target.closest?.("[data-entry] .input");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!input || !form || !isTable(text)) return;
  event.preventDefault();
  const entry = input.form;
  form.elements.text.value = text;
  for (const name of ["reference", "order_number"]) form.elements[name].value = entry.elements[name].value;
  form.requestSubmit();
});
