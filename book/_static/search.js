// How the search ranks its hits, beside Sphinx's own weights: what chapters say comes before the names in the package.
var Scorer = {
  score: ([page, , , , score]) => (page === "book/api" ? score - 100 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {0: 15, 1: 5, 2: -5},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
