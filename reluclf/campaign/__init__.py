"""Many runs: trained on all cores, resumed, watched, and checked by training them again."""
