// Marks the boxes of tables, figures and formulas that are wider than the window shows; without this script they scroll all the same.
const mark = () => {
  for (const box of document.querySelectorAll(".pst-scrollable-table-container, .bd-article figure, .bd-article div.math")) {
    box.classList.toggle("scrolls", box.scrollWidth > box.clientWidth + 2);
  }
};
addEventListener("load", mark);
addEventListener("resize", mark);
