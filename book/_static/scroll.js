// Marks the boxes of tables, figures and formulas that are wider than the window shows; without this script they scroll all the same.
// Where a table scrolls, its first column need not be as narrow as its longest word.
const mark = () => {
  for (const box of document.querySelectorAll(".pst-scrollable-table-container, .bd-article figure, .bd-article p.math")) {
    box.classList.remove("scrolls", "names");
    box.classList.toggle("scrolls", box.scrollWidth > box.clientWidth + 2);
    const first = [...box.querySelectorAll("tbody th")];
    box.classList.toggle("names", box.matches(".scrolls") && first.some((cell) => cell.textContent.trim().length > 12));
  }
};
// What is marked grows, and would push away what the page's address names, where a browser does not hold it, as Safari does not.
const markAndHold = () => {
  const target = CSS.supports("overflow-anchor", "auto") ? null : document.querySelector(":target");
  const before = target?.getBoundingClientRect().top;
  mark();
  if (target) scrollBy({ top: target.getBoundingClientRect().top - before, behavior: "instant" });
};
addEventListener("load", markAndHold);
addEventListener("resize", mark);
// Marks what was searched for. Sphinx leaves that out on a page of search results, and takes every page for one, for the theme's search field is on each.
addEventListener("load", () => {
  if (typeof SphinxHighlight !== "undefined" && !document.getElementById("search-results")) SphinxHighlight.highlightSearchWords();
});
