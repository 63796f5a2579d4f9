from pathlib import Path

import pytest
from site_server import Site, serving

from knowledge.errors import SourceError
from knowledge.source_list import load_source_list, named_sources, read_entry
from knowledge.web import Web

LISTED = """
company = "Mill & Sons"
contact = "jobs@mill.example"

[[sources]]
path = "pages"
language = "fr"

[[sources]]
url = "https://mill.example/careers"
kind = "site"
only = ["/careers/*"]
limit = 50
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "candor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_says_what_is_read_and_whose_it_is(tmp_path: Path) -> None:
    listed = load_source_list(written(tmp_path, LISTED))
    assert listed.whose() == ("Mill & Sons", "jobs@mill.example")
    pages, site = listed.sources
    assert (pages.path, pages.language) == (tmp_path / "pages", "fr")
    assert (site.name, site.only, site.limit) == ("https://mill.example/careers", ("/careers/*",), 50)


def test_a_source_may_name_company_and_contact_for_the_whole_list(tmp_path: Path) -> None:
    text = '[[sources]]\npath = "a"\n[[sources]]\npath = "b"\ncompany = "Mill"\ncontact = "Ada"\n'
    assert load_source_list(written(tmp_path, text)).whose() == ("Mill", "Ada")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sources = [", "not valid TOML"),
        ("", "sources: field required"),
        ("sources = []", "sources: tuple should have at least 1 item"),
        ('[[sources]]\nkind = "page"', "sources.1: give either path or url"),
        ('[[sources]]\npath = "a"\nurl = "https://b"', "give either path or url"),
        ('[[sources]]\npath = "a"\nkind = "feed"', "sources.1.kind is 'feed': input should be"),
        ('[[sources]]\npath = "a"\nlang = "fr"', "sources.1.lang is 'fr': no such key"),
        ('[[sources]]\npath = "a"\nlanguage = "French"', "sources.1.language is 'French'"),
        ('[[sources]]\nurl = "https://b"\ndepth = -1', "sources.1.depth is -1"),
        ('[[sources]]\npath = "a"\ndepth = 1', "depth and only are for a url"),
        (
            '[[sources]]\npath="a"\ncompany="A"\n[[sources]]\npath="b"\ncompany="B"',
            "2 different values; set company",
        ),
        ("company = 7\n[[sources]]\npath='a'", "company is 7"),
    ],
)
def test_a_mistake_in_the_list_is_one_clear_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError) as refusal:
        load_source_list(written(tmp_path, text))
    line = str(refusal.value)
    assert words in line and str(tmp_path) in line and "docs/sources.md" in line and "\n" not in line


def test_a_list_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_source_list(tmp_path / "nowhere.toml")
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="not valid TOML"):
        load_source_list(tmp_path / "a.toml")


def test_plain_arguments_are_paths_and_addresses_each_once() -> None:
    listed = named_sources(["pages", "https://mill.example/", "pages"], depth=1)
    assert [(entry.name, entry.depth) for entry in listed.sources] == [
        ("pages", None),
        ("https://mill.example/", 1),
    ]
    assert listed.whose() == ("", "")
    with pytest.raises(SourceError, match=r"a\.toml lists sources of its own"):
        named_sources(["pages", "a.toml"])


def test_sources_are_read_in_the_language_given(tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text('[{"title": "Meunier", "location": "Lyon"}]', encoding="utf-8")
    text = f'[[sources]]\npath = "{tmp_path.as_posix()}/jobs.json"\nkind = "jobs"\nlanguage = "fr"'
    with Web() as web:
        (job,) = read_entry(load_source_list(written(tmp_path, text)).sources[0], web).jobs
    assert job.language == "fr"


def test_a_source_of_jobs_has_some(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("We are nine people in a mill by the river.\n", encoding="utf-8")
    listed = load_source_list(written(tmp_path, '[[sources]]\npath = "page.txt"\nkind = "jobs"'))
    with Web() as web, pytest.raises(SourceError, match="holds no job postings, though its kind is jobs"):
        read_entry(listed.sources[0], web)


def test_a_site_is_followed_where_its_kind_says_so(tmp_path: Path) -> None:
    words = "<p>We are nine people in a mill by the river, and would like to be ten.</p>"
    with serving(
        Site({"/": f'<h1>Mill</h1>{words}<a href="/a">a</a>', "/a": f"<h1>Life</h1>{words}"})
    ) as site:
        text = '[[sources]]\nurl = "{0}"\nkind = "{1}"'
        counts = []
        for kind in ("page", "site"):
            (entry,) = load_source_list(written(tmp_path, text.format(site.url, kind))).sources
            with Web(allow_private=True, pause=0) as web:
                counts.append(len(read_entry(entry, web).pages))
    assert counts == [1, 2]


def test_the_sitemap_of_a_site_is_found_at_its_usual_place(tmp_path: Path) -> None:
    words = "<h1>Mill</h1><p>We are nine people in a mill by the river, and would like to be ten.</p>"
    with serving(Site({"/a": words})) as site:
        site.pages["/sitemap.xml"] = f"<urlset><url><loc>{site.url}/a</loc></url></urlset>"
        for url in (f"{site.url}/careers?x=1", f"{site.url}/sitemap.xml"):
            (entry,) = load_source_list(
                written(tmp_path, f'[[sources]]\nurl = "{url}"\nkind = "sitemap"')
            ).sources
            with Web(allow_private=True, pause=0) as web:
                assert [page.url for page in read_entry(entry, web).pages] == [f"{site.url}/a"]
