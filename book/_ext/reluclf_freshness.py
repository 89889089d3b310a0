"""Sphinx extension of this book: what is executed is what is shown, whoever builds it and how often.

A page is made anew when the records or the package have changed, a notebook that was executed already is
shown as it is, and two builds do not write into one folder.
"""

import glob
import hashlib
from pathlib import Path

import filelock
import nbformat
from sphinx.errors import ExtensionError

from reluclf import paths


def inputs() -> str:
    """Return a digest of what the chapters read beside themselves: which files, how large, and when written."""
    digest = hashlib.sha256()
    files = [
        *paths.BOOK.glob("*.yml"),
        *(paths.ROOT / "reluclf").rglob("*.py"),
        *paths.RESULTS.rglob("*.json*"),
    ]
    for file in sorted(files):
        stat = file.stat()
        digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _outdated(app, env, added, changed, removed):
    """Have all chapters executed anew if what they read has changed.

    Sphinx's own list of what a page depends on cannot name a record that is not there yet.
    """
    last, env.reluclf_inputs = getattr(env, "reluclf_inputs", None), inputs()
    return (
        []
        if last == env.reluclf_inputs
        else [name for name in env.found_docs if _is_notebook(env, name)]
    )


def _leave_executed(app, env, docnames):
    """Show a notebook that papermill has executed with the outputs that it has; its parameters may say that it trains."""
    app.reluclf_read = bool(docnames)
    executed = [
        env.doc2path(name)
        for name in docnames
        if _is_notebook(env, name) and _by_papermill(env.doc2path(name))
    ]
    if executed:
        excluded = [
            *env.mystnb_config.execution_excludepatterns,
            *(glob.escape(Path(file).as_posix()) for file in executed),
        ]
        env.mystnb_config = env.mystnb_config.copy(execution_excludepatterns=excluded)


def _renumbered(app, env):
    """Have all pages written anew if one was read: each has the others' titles in its margin, and names their tables by number."""
    return env.found_docs if app.reluclf_read else []


def _is_notebook(env, name: str) -> bool:
    return env.doc2path(name).endswith(".ipynb")


def _by_papermill(file: str) -> bool:
    return "papermill" in nbformat.read(file, as_version=4).metadata


def _alone(app):
    """Refuse to write where another build is writing, until this process ends."""
    app.reluclf_lock = filelock.FileLock(f"{app.doctreedir}.lock", timeout=0)
    try:
        app.reluclf_lock.acquire()
    except filelock.Timeout:
        raise ExtensionError(
            f"another build is writing into {Path(app.outdir).parent}; wait for it, and build again."
        ) from None


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("builder-inited", _alone)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-before-read-docs", _leave_executed, priority=900)
    app.connect("env-updated", _renumbered)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
