"""What machines read: a release, the records as an RO-Crate, how the book is cited."""

import hashlib
import json
import re
import runpy
import sys
import tarfile
import types
import xml.etree.ElementTree

import factory
import pytest
import yaml
from sphinx.errors import ExtensionError

from reluclf import Spec, data, paths
from reluclf.campaign import checkout
from reluclf.showing import building, release
from reluclf.store import Store

sys.path.insert(0, str(paths.BOOK / "_ext"))
import reluclf_cited
import reluclf_links

SPECS = [
    Spec(dataset="wdbc", architecture="ffnn", head="relu", protocol="carried", seed=seed, folds=1)
    for seed in (1, 2)
]


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A book that is built, of two records."""
    store = Store(tmp_path / "checkout" / "results")
    for i, spec in enumerate(SPECS):
        store.write(factory.record(spec, [0.9], 0.9 - i / 20))
    monkeypatch.setattr(paths, "RESULTS", store.folder)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    for name, content in {
        "html/index.html": "page",
        "html/_static/x.css": "",
        "html/.nojekyll": "",
        "html/ledger.json": json.dumps({"commit": checkout.commit()}),
        f"pdf/{building.PDF}": "pdf",
        "pdf/commit": checkout.commit(),
    }.items():
        file = tmp_path / "_build" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return tmp_path


def packed(archive):
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_a_release_has_the_pdf_the_site_the_records_the_citation_and_their_checksums(built):
    dist = release.pack(built, lambda line: None)
    names = {"CITATION.cff", "SHA256SUMS", building.PDF, "records.tar.gz", "site.tar.gz"}
    assert {file.name for file in dist.iterdir()} == names
    sums = dict(
        reversed(line.split("  ")) for line in (dist / "SHA256SUMS").read_text().splitlines()
    )
    assert sums == {
        name: hashlib.sha256((dist / name).read_bytes()).hexdigest()
        for name in names - {"SHA256SUMS"}
    }
    assert packed(dist / "site.tar.gz").keys() == {
        "index.html",
        "ledger.json",
        "_static/x.css",
        ".nojekyll",
    }
    records = packed(dist / "records.tar.gz")
    assert records.keys() == {f"results/{spec.path.as_posix()}" for spec in SPECS} | {
        "ro-crate-metadata.json",
        "LICENSE",
    }


@pytest.mark.parametrize(
    ("file", "content", "command"),
    [("html/ledger.json", '{"commit": "0000000aa"}', "book"), ("pdf/commit", "0000000aa", "pdf")],
)
@pytest.mark.skipif(not checkout.commit(), reason="this is not a git checkout")
def test_what_was_built_of_another_commit_is_not_packed(built, file, content, command):
    (built / "_build" / file).write_text(content)
    with pytest.raises(building.BuildError, match=f"0000000, .* build it again: reluclf {command}"):
        release.pack(built, lambda line: None)
    (built / "_build" / file).unlink()  # as an earlier version of the package left it
    with pytest.raises(building.BuildError, match=f"unknown, .* build it again: reluclf {command}"):
        release.pack(built, lambda line: None)
    assert not (built / "_build" / "dist").exists()


def test_a_release_is_the_same_each_time_it_is_packed(built):
    first = {
        file.name: file.read_bytes() for file in release.pack(built, lambda line: None).iterdir()
    }
    assert {
        file.name: file.read_bytes() for file in release.pack(built, lambda line: None).iterdir()
    } == first


def test_nothing_is_packed_without_the_book_or_with_a_record_that_cannot_be_trusted(built):
    (paths.RESULTS / SPECS[0].path).write_text("{")
    with pytest.raises(building.BuildError, match=r"seed-1\.json is not a whole JSON file"):
        release.pack(built, lambda line: None)
    (built / "_build" / "html" / "index.html").unlink()
    with pytest.raises(
        building.BuildError, match=r"there is no .*index.html; build it first: reluclf book"
    ):
        release.pack(built, lambda line: None)


def test_the_crate_has_an_action_for_each_run_and_points_nowhere_outside_itself(built):
    records = packed(release.pack(built, lambda line: None) / "records.tar.gz")
    graph = json.loads(records["ro-crate-metadata.json"])["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert {part["@id"] for part in entities["./"]["hasPart"]} == {
        name for name in records if "/seed-" in name
    }
    actions = [entity for entity in graph if entity["@type"] == "CreateAction"]
    assert len(actions) == len(SPECS) and {action["@id"] for action in actions} == {
        entry["@id"] for entry in entities["./"]["mentions"]
    }
    for action in actions:
        assert action["startTime"] < action["endTime"]
        assert entities[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"
        assert all(entities[entry["@id"]]["@type"] == "Dataset" for entry in action["object"])
        (result,) = action["result"]
        assert (
            entities[result["@id"]]["sha256"] == hashlib.sha256(records[result["@id"]]).hexdigest()
        )


@pytest.mark.parametrize("repository", ["", "https://github.com/example/book"])
def test_the_crate_is_flat_and_has_what_its_specification_asks_of_a_profile_and_a_program(
    repository, built, monkeypatch
):
    """RO-Crate 1.2: JSON-LD flattened, of terms of its context; a Profile; name, url and version.

    Without the address of the repository a program has no url, rather than an empty one.
    """
    monkeypatch.setenv("RELUCLF_REPOSITORY", repository)
    records = packed(release.pack(built, lambda line: None) / "records.tar.gz")
    graph = json.loads(records["ro-crate-metadata.json"])["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    for entity in graph:
        for value in entity.values():
            for entry in value if isinstance(value, list) else [value]:
                assert entry
                assert isinstance(entry, str) or entry.keys() == {"@id"}
    root = entities["./"]
    for entry in [root["license"], root["conformsTo"], *root["isBasedOn"]]:
        assert entities[entry["@id"]]["name"]
    assert "Profile" in entities[entities["./"]["conformsTo"]["@id"]]["@type"]
    programs = [entity for entity in graph if entity["@type"] == "SoftwareApplication"]
    assert programs and all(
        program.get("url", "") == repository and program["name"] and program["version"]
        for program in programs
    )
    checksums = [entities[entry["@id"]] for entry in entities["#wdbc"]["identifier"]]
    assert {entry["name"].removeprefix("SHA-256 of "): entry["value"] for entry in checksums} == (
        data.checksums("wdbc")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "owner/name",
        "github.com/owner/name",
        "git@github.com:owner/name.git",
        "http://github.com/owner/name",
        "https://github.com",
        "https://token@github.com/owner/name",
        'https://github.com/owner/"name',
    ],
)
def test_an_address_that_cannot_be_cited_or_linked_to_is_refused_in_one_sentence(
    wrong, built, monkeypatch
):
    monkeypatch.setenv("RELUCLF_REPOSITORY", wrong)
    told = (
        f"RELUCLF_REPOSITORY={wrong} is not the https address of a repository; "
        "set it to one like https://github.com/owner/name, or unset it"
    )
    for make in (release.pack, building.html, building.pdf, building.links):
        with pytest.raises(building.BuildError) as caught:
            make(built, lambda line: None)
        assert str(caught.value) == told
    with pytest.raises(ExtensionError) as caught:
        runpy.run_path(str(paths.BOOK / "_ext" / "reluclf_links.py"))
    assert str(caught.value) == told
    assert {file.name for file in (built / "_build").iterdir()} == {"html", "pdf"}


@pytest.mark.parametrize(
    "given", ["https://github.com/owner/name", "https://github.com/owner/name.git"]
)
@pytest.mark.parametrize("end", ["", "/"])
def test_an_address_is_taken_as_one_copies_it(given, end, monkeypatch):
    monkeypatch.setenv("RELUCLF_REPOSITORY", given + end)
    assert building.repository() == "https://github.com/owner/name"


@pytest.mark.parametrize("repository", ["", "https://github.com/example/book"])
@pytest.mark.parametrize("modified", [False, True])
def test_what_is_cited_names_the_repository_and_the_commit_where_they_are_known(
    repository, modified, monkeypatch
):
    monkeypatch.setattr(checkout, "modified", lambda *folders: modified)
    monkeypatch.setenv("RELUCLF_REPOSITORY", repository)
    monkeypatch.setattr(checkout, "commit", lambda: "0" * 40 if repository else "")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795820339")
    cited = release.citation()
    assert cited.get("repository-code", "") == repository
    values = [entry["value"] for entry in cited.get("identifiers", [])]
    named = f"commit {'0' * 40} with changes" if modified else f"swh:1:rev:{'0' * 40}"
    assert values == ([named] if repository else [])
    if repository:
        assert f"  note = {{{named}}}," in reluclf_cited.bibtex(cited)
    assert cited["date-released"] == ("2026-11-27" if repository else "2026-11-24")


def test_the_citation_file_is_complete():
    cited = yaml.safe_load(release.CITATION.read_text(encoding="utf-8"))
    required = {
        "cff-version",
        "message",
        "title",
        "authors",
        "version",
        "date-released",
        "license",
        "abstract",
        "keywords",
        "references",
    }
    assert required <= cited.keys()
    assert cited["references"][0]["doi"] == "10.48550/arXiv.1803.08375"


def test_an_epub_gets_pages_that_are_xml_and_no_files_beside_them():
    assert not building.is_site(types.SimpleNamespace(format="html", name="epub"))
    assert building.is_site(types.SimpleNamespace(format="html", name="dirhtml"))
    xml.etree.ElementTree.fromstring(
        f"<head>{reluclf_cited.tags('A & B', release.citation())}</head>"
    )


def test_the_first_page_describes_the_book_and_its_records_to_machines():
    book, records = reluclf_cited.described(release.citation())["@graph"]
    assert (book["@type"], records["@type"]) == ("Book", "Dataset")
    assert book["isBasedOn"]["sameAs"] == "https://doi.org/10.48550/arXiv.1803.08375"
    assert {file["contentUrl"] for file in records["distribution"]} == {
        "../records.csv",
        "../ledger.csv",
        "../ledger.json",
    }
    assert 50 <= len(records["description"]) <= 5000  # what a search for data sets asks for


def test_the_entry_of_bibtex_needs_no_publisher_and_has_no_mark_that_babel_takes_for_a_command():
    entry = reluclf_cited.bibtex(release.citation())
    assert entry.startswith("@misc{relu_at_the_output,")
    assert "{{The authors of ``ReLU at the Output''}}" in entry
    assert "`Deep Learning using Rectified Linear Units (ReLU)'}}" in entry
    assert '"' not in entry and "{}" not in entry


def test_a_page_has_the_tags_that_reference_managers_read():
    cited = release.citation() | {"date-released": "2026-11-24"}
    tags = dict(
        re.findall(
            r'<meta name="(\w+)" content="([^"]*)" />',
            reluclf_cited.tags('MNIST "and" more', cited),
        )
    )
    assert tags["citation_title"] == "MNIST &quot;and&quot; more"
    assert tags["citation_publication_date"] == "2026/11/24"
    assert {"citation_author", "citation_inbook_title"} <= tags.keys()


def test_a_link_to_a_page_is_previewed_by_its_title_and_first_words():
    made = reluclf_cited.preview('MNIST "and" more', "word " * 50, {"title": "The book"})
    tags = dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)" />', made))
    assert tags["og:title"] == "MNIST &quot;and&quot; more"
    assert tags["og:site_name"] == "The book"
    assert tags["description"] == tags["og:description"]
    assert tags["description"].endswith("word …") and len(tags["description"]) < 203
    assert "description" not in reluclf_cited.preview("A page of tables", "", {"title": "The book"})


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("https://github.com/a/b", "github"),
        ("https://git.company.com/a/b", "github"),
        ("https://gitlab.com/group/a/b", "gitlab"),
        ("https://bitbucket.org/a/b", "bitbucket"),
    ],
)
def test_the_pages_know_whose_links_to_make_wherever_the_repository_is(
    address, provider, monkeypatch
):
    monkeypatch.setattr(reluclf_links, "REPOSITORY", address)
    assert reluclf_links.provider() == provider


def test_binder_opens_the_commit_that_a_page_was_built_from(monkeypatch):
    monkeypatch.setattr(reluclf_links, "built_commit", lambda: ("c0ffee", False))
    button = {"url": "https://mybinder.org/v2/gh/a/b/main?urlpath=lab/tree/book/wdbc.ipynb"}
    reluclf_links._buttons(None, "", "", {"header_buttons": [{"buttons": [button]}]}, None)
    assert button["url"].startswith("https://mybinder.org/v2/gh/a/b/c0ffee?urlpath=lab")


@pytest.mark.parametrize("files", [(), ("_toc.yml",)])
def test_a_page_by_itself_has_no_buttons_into_a_repository(files, tmp_path, monkeypatch):
    for name in files:
        (tmp_path / name).touch()
    config = types.SimpleNamespace(html_theme_options={})
    monkeypatch.setattr(reluclf_links, "REPOSITORY", "https://github.com/a/b")
    reluclf_links._configure(types.SimpleNamespace(srcdir=tmp_path), config)
    assert ("launch_buttons" in config.html_theme_options) == bool(files)


def test_a_build_says_why_git_tells_no_commit(monkeypatch):
    told = []
    monkeypatch.setattr(building.checkout, "trouble", lambda: "git does not trust it")
    building._refuse_wrong_surroundings(told.append)
    assert told == ["git does not trust it"]
