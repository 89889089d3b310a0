"""Sphinx extension of this book: gives the chapters' kernels the surroundings they need."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reluclf.chapters import kernel_environment

_folder = tempfile.TemporaryDirectory(prefix="reluclf-book-")
os.environ.update(kernel_environment(Path(_folder.name)))


def write_ledger(app, exception):
    """Lay the verdicts beside the pages, as CSV and JSON."""
    if exception or app.builder.format != "html":
        return
    import dataclasses
    import json

    import pandas as pd

    from reluclf.records import Store
    from reluclf.verdicts import judge

    rows = [dataclasses.asdict(verdict) for verdict in judge(Store().read_all())]
    pd.DataFrame(rows).to_csv(Path(app.outdir) / "ledger.csv", index=False)
    (Path(app.outdir) / "ledger.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("build-finished", write_ledger)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
