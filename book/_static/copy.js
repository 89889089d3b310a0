// What is copied of a table fits a spreadsheet: a line for each row, tabs between cells, and a minus that is read as such.
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  const around = range.commonAncestorContainer;
  const within = (around.closest ? around : around.parentElement).closest("table");
  const copied = document.createElement("table");
  copied.append(range.cloneContents());
  const rows = [...copied.querySelectorAll("tr")];
  const others = copied.cloneNode(true);
  for (const table of others.querySelectorAll("table, tr")) table.remove();
  if (!within && (!rows.length || others.textContent.trim())) return; // text beside the table: as the browser does it
  const line = (row) => [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, " ")).join("\t");
  const text = rows.length ? rows.map(line).join("\n") : selection.toString();
  event.clipboardData.setData("text/plain", text.replaceAll("−", "-"));
  const html = copied.querySelector("table") ? copied.innerHTML : copied.outerHTML;
  event.clipboardData.setData("text/html", html.replaceAll("−", "-"));
  event.preventDefault();
});
