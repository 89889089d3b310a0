"""What the runs show: statistics, the rules, and the verdicts that follow from records."""
