// Puts a choice of answers above every ledger: those as run, or by text and code. Without this script a ledger is a plain table.
for (const [number, table] of document.querySelectorAll("table.ledger").entries()) {
  const rows = [...table.tBodies[0].rows];
  const answer = (row) => (row.cells[3].querySelector("strong.verdict") ?? row.cells[3]).textContent.trim();
  const verdictOf = new Map(rows.map((row) => [row, answer(row)])); // as written: a browser may translate the cells
  const verdicts = [...new Set(verdictOf.values())];
  const box = document.createElement("div");
  box.className = "ledger-choice";
  const id = `ledger-choice-${number}`;
  box.innerHTML = `<label for="${id}">As run, or by text and code:</label> <select id="${id}" autocomplete="off"></select> <output for="${id}"></output>`;
  const [, choice, count] = box.children;
  choice.add(new Option(`all answers (${rows.length})`, ""));
  for (const verdict of verdicts) {
    choice.add(new Option(`${verdict} (${rows.filter((row) => verdictOf.get(row) === verdict).length})`, verdict));
  }
  choice.addEventListener("change", () => {
    for (const row of rows) row.hidden = Boolean(choice.value) && verdictOf.get(row) !== choice.value;
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
  });
  (table.closest(".pst-scrollable-table-container") ?? table).before(box);
}
