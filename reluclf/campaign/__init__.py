"""Many runs: what is missing is trained on all cores, resumed, watched, and checked by training it again."""
