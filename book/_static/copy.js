// What is copied of a table fits a spreadsheet: a line for each row that is shown, tabs between cells, and a minus that is read as such.
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  const around = range.commonAncestorContainer;
  const within = (around.closest ? around : around.parentElement).closest("table");
  const copied = document.createElement("table");
  copied.append(range.cloneContents());
  for (const unwanted of copied.querySelectorAll("tr[hidden], .report")) unwanted.remove();
  for (const end of copied.querySelectorAll("br")) end.replaceWith(" ");
  const rows = [...copied.querySelectorAll("tr")];
  const others = copied.cloneNode(true);
  for (const table of others.querySelectorAll("table, tr")) table.remove();
  if (!within && (!rows.length || others.textContent.trim())) return; // text beside the table: as the browser does it
  const html = copied.querySelector("table") ? copied.innerHTML : copied.outerHTML;
  for (const power of copied.querySelectorAll("msup > :last-child, sup")) power.prepend("^"); // not 10-8, which may be a date
  const words = (element) => element.textContent.trim().replace(/\s+/g, " ");
  const line = (row) => [...row.cells].map(words).join("\t");
  const text = rows.length ? rows.map(line).join("\n") : words(copied);
  event.clipboardData.setData("text/plain", text.replaceAll("−", "-"));
  event.clipboardData.setData("text/html", html.replaceAll("−", "-"));
  event.preventDefault();
});
