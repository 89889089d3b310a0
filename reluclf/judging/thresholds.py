"""Every number that a rule compares with: each is written here, once, with its reason."""

from __future__ import annotations

#: Confidence of every interval in the book; a test errs with probability 1 - LEVEL at the most.
LEVEL = 0.95

#: The margin: a difference in accuracy or F1 of up to two points counts as none. It is the paper's
#: own measure: on WDBC it calls F1 scores comparable that differ by 0.02, rounded (Table 9), and
#: what it calls equal or on par within one data set lies within it. An agreement says something
#: only if our runs could have missed it, so the same margin is the widest that half an interval for
#: one more run may be.
MARGIN = 0.02

#: Runs of one kind that a rule needs before it judges the kind by itself. A run is of another kind
#: if it has lost a class (:data:`reluclf.metrics.LOST`); it lies some nine points lower on ten.
FEWEST = 3

#: The paper's accuracies and rises that are compared with one more run of ours, all together: four
#: in each of Tables 3, 4, 6, 7 and 9, and the rise of the folds in Tables 5 and 8. If its runs were
#: of ours, with probability LEVEL none of them would be called not reproduced.
NUMBERS = 22

#: Figures 2 to 11, whose counts are a second such family.
MATRICES = 10

#: Correct predictions are balanced over the classes if the worst class has at least this share of
#: the best one's recall. (Of the paper's FFNN matrices, the two on MNIST have 0.96 and the two on
#: Fashion-MNIST 0.71 and 0.74, so any threshold from 0.75 to 0.95 gives the same answer.)
BALANCED = 0.9

#: An intervention explains a gap if it closes more than this share of it.
HALF = 0.5
