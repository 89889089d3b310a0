"""How it is shown: tables, figures, sentences, and the chapters that hold them."""
