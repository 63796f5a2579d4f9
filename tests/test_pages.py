import contextlib
import gzip
from pathlib import Path

import pytest

from knowledge.documents import Status
from knowledge.errors import EmptyError, SourceError
from knowledge.pages import PAGE_READERS, read_content, read_source

HTML = "<h1>Hello</h1><p>We are nine people in Riga and would like to be ten.</p>"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_ending_has_a_reader(tmp_path: Path) -> None:
    contents = {
        ".xml": "<jobs><job><title>Cook</title><office>Riga</office></job></jobs>",
        ".json": '[{"title": "Cook", "location": "Riga"}]',
        ".jsonld": '[{"title": "Cook", "location": "Riga"}]',
        ".jsonl": '{"title": "Cook", "location": "Riga"}',
        ".rss": "<rss><channel><item><title>Cook</title><location>Riga</location></item></channel></rss>",
        ".csv": "Job title,Location\nCook,Riga\n",
        ".tsv": "Job title\tLocation\nCook\tRiga\n",
    }
    for ending in PAGE_READERS:
        reading = read_source(write(tmp_path, f"page{ending}", contents.get(ending, HTML)))
        assert reading.pages or reading.jobs, ending


def test_a_folder_is_read_in_order_with_relative_names(tmp_path: Path) -> None:
    for name in ("b.md", "a/_index.html", "a/c.txt"):
        write(tmp_path, name, HTML)
    assert [page.source for page in read_source(tmp_path).pages] == ["a/_index.html", "a/c.txt", "b.md"]


def test_hidden_and_other_files_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, ".git/a.md", HTML)
    write(tmp_path, "photo.jpg", b"\xff\xd8\x00")
    write(tmp_path, "page.md", HTML)
    reading = read_source(tmp_path)
    assert [page.source for page in reading.pages] == ["page.md"] and not reading.skipped


def test_bad_files_in_a_folder_are_skipped_and_the_good_go_in(tmp_path: Path) -> None:
    write(tmp_path, "good.md", HTML)
    write(tmp_path, "empty.md", "")
    write(tmp_path, "broken.json", "{")
    write(tmp_path, "binary.txt", b"\x00\x01\x02")
    reading = read_source(tmp_path)
    assert len(reading.pages) == 1
    assert [skipped.source for skipped in reading.skipped] == ["binary.txt", "broken.json", "empty.md"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.md", "", "is empty"),
        ("broken.json", "{", "not valid JSON"),
        ("other.json", '{"a": 1}', "no job postings"),
        ("binary.txt", b"\x00\x01", "not a text file"),
        ("draft.md", "---\ntitle: x\ndraft: true\n---\nText", "draft"),
        ("shell.html", "<div>Loading…</div>", "rendered copy"),
        ("photo.png", b"\x89PNG", "not a kind of file"),
        ("large.txt", b"a" * 20_000_001, "more than 20 MB"),
    ],
)
def test_a_single_file_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, name: str, content: str | bytes, words: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(SourceError, match=words) as refusal:
        read_source(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_missing_path_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_source(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="holds nothing that can be read"):
        read_source(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_texts_of_other_encodings_are_decoded(tmp_path: Path, encoding: str) -> None:
    text = (
        "Über uns\n\nWir wären gern größer, und die Löhne steigen jährlich um fünf Prozent für alle Köche.\n"
    )
    page = read_source(write(tmp_path, "page.txt", text.encode(encoding))).pages[0]
    assert page.title == "Über uns" and "fünf Prozent" in page.blocks[0].text


def test_ids_are_unique_over_a_source(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write(tmp_path, name, '[{"id": "7", "title": "Cook", "location": "Riga"}]')
    write(tmp_path, "a-b.md", HTML)
    write(tmp_path, "a/b.md", HTML)
    write(tmp_path, "a-b/md.md", HTML)
    reading = read_source(tmp_path)
    assert len({job.id for job in reading.jobs}) == 2 and len({page.id for page in reading.pages}) == 3


def test_ids_stay_when_a_source_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "a.md", HTML)
    before = read_source(tmp_path)
    write(tmp_path, "b.md", HTML)
    assert before.pages[0] in read_source(tmp_path).pages


# folder → pages, postings and open postings, as a person counts them
SHARED = {
    "wix-backend": (1, 4, 4),
    "basecamp-handbook": (8, 0, 0),
    "cds-careers": (5, 116, 18),
    "job-boards": (0, 13, 13),
    "jsonld": (0, 4, 0),
}


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_sources_are_read_without_loss(shared: Path, name: str) -> None:
    reading = read_source(shared / "sources" / name)
    still_open = sum(job.status is Status.OPEN for job in reading.jobs)
    assert (len(reading.pages), len(reading.jobs), still_open) == SHARED[name]
    assert not reading.skipped


@pytest.mark.parametrize("language", ["en", "fr"])
def test_just_the_shared_postings_whose_front_matter_says_so_are_open(shared: Path, language: str) -> None:
    folder = shared / "sources" / "cds-careers" / "content" / language / "join-our-team"
    says_so = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.md")
        if "\narchived: false\n" in path.read_text(encoding="utf-8")
    }
    opened = {job.source for job in read_source(folder).jobs if job.status is Status.OPEN}
    assert opened == says_so and len(opened) == 9


def test_half_a_character_is_no_character(tmp_path: Path) -> None:
    text = r'[{"title": "Cook \ud83d\ude00 \ud83d", "location": "Riga"}]'
    assert read_source(write(tmp_path, "a.json", text)).jobs[0].title == "Cook 😀 \ufffd"


def test_a_table_of_other_things_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="The first line has to name the columns"):
        read_source(write(tmp_path, "a.csv", "flour,price\nrye,2\n"))


def test_a_feed_has_the_sections_and_offices_of_each_position(tmp_path: Path) -> None:
    position = """<position><id>7</id><office>Riga</office><additionalOffices><office>Oslo</office><office>Rome</office>
    </additionalOffices><department/><name>Cook</name><jobDescriptions><jobDescription><name>Your tasks</name>
    <value><![CDATA[<ul><li>Stir</li><li>Taste</li></ul>]]></value></jobDescription><jobDescription><name>You</name>
    <value><![CDATA[<p>Are hungry.</p>]]></value></jobDescription></jobDescriptions></position>"""
    feed = f"<?xml version='1.0'?><workzag-jobs>{position}{position}</workzag-jobs>"
    (job,) = read_source(write(tmp_path, "feed.xml", feed)).jobs
    assert job.locations == ("Riga", "Oslo", "Rome")
    assert [(block.headings, block.text) for block in job.blocks] == [
        (("Your tasks",), "Stir\nTaste"),
        (("You",), "Are hungry."),
    ]


def test_an_external_entity_of_a_feed_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "secret", "SECRET")
    feed = f"<?xml version='1.0'?><!DOCTYPE j [<!ENTITY e SYSTEM 'file://{tmp_path}/secret'>]><jobs><job><title>Cook &e;</title><office>Riga</office></job></jobs>"
    try:
        said = repr(read_source(write(tmp_path, "feed.xml", feed)))
    except SourceError as error:
        said = str(error)
    assert "SECRET" not in said


def test_a_page_is_decoded_as_it_declares(tmp_path: Path) -> None:
    html = f'<html><head><meta charset="iso-8859-7"><title>Δουλειές</title></head><body>{HTML}<p>Είμαστε εννέα.</p></body></html>'
    page = read_source(write(tmp_path, "page.html", html.encode("iso-8859-7"))).pages[0]
    assert page.blocks[-1].text == "Είμαστε εννέα."


def test_what_a_site_generator_makes_pages_from_is_no_page(tmp_path: Path) -> None:
    for name in (
        "_layouts/job.html",
        "_drafts/cook.md",
        "archetypes/position.md",
        "_includes/a.html",
        "a.md",
    ):
        write(tmp_path, name, HTML)
    write(tmp_path, "positions/_template.md", "---\ntitle: Position\n---\nText of it.")
    write(tmp_path, "positions/next.md", '---\ntitle: "{{ replace .Name }}"\n---\nText of it.')
    reading = read_source(tmp_path)
    assert [page.source for page in reading.pages] == ["a.md"]
    assert {skip.why for skip in reading.skipped} == {"it is a template for pages to come"}


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("jobs.json", '{"jobs": []}', EmptyError),
        ("jobs.xml", "<?xml version='1.0'?><workzag-jobs></workzag-jobs>", EmptyError),
        ("jobs.csv", "title,location\n", EmptyError),
        ("a.xml", "<?xml version='1.0'?><note>none</note>", SourceError),
        ("a.csv", "flour,price\n", SourceError),
    ],
)
def test_an_empty_board_is_told_from_what_is_no_board(
    tmp_path: Path, name: str, content: str, kind: type[SourceError]
) -> None:
    with pytest.raises(SourceError, match="holds no job postings") as refusal:
        read_source(write(tmp_path, name, content))
    assert type(refusal.value) is kind


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    write(tmp_path, "jobs.json.gz", gzip.compress(b'[{"title": "Cook", "location": "Riga"}]'))
    assert read_source(tmp_path / "jobs.json.gz").jobs[0].title == "Cook"
    with pytest.raises(SourceError, match="cannot be opened"):
        read_source(write(tmp_path, "broken.json.gz", b"no gzip"))


def test_a_feed_of_positions_is_read(shared: Path) -> None:
    (job,) = read_source(shared / "sources" / "job-boards" / "personio.xml").jobs
    assert job.locations == ("Munich", "Berlin")
    assert (job.employment_type, job.department) == ("permanent, full-time", "Product and Tech")


def test_a_page_that_starts_like_html_is_html(tmp_path: Path) -> None:
    page = read_source(
        write(tmp_path, "saved.txt", f"<!DOCTYPE html><html><body>{HTML}</body></html>")
    ).pages[0]
    assert page.title == "Hello" and len(page.blocks) == 1


BOMB = "".join(
    f"{name}: &{name} [{', '.join([before] * 9)}]\n"
    for before, name in zip(("x", *(f"*{n}" for n in "abcdefgh")), "abcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.html", "<html><body>" + "<a>" * 1_000_001),
        ("feed.xml", "<?xml version='1.0'?><jobs>" + "<a/>" * 4_000_001 + "</jobs>"),
        ("page.txt", "Everyone gets a bicycle. " * 900_000),
    ],
)
def test_a_small_packed_file_that_would_fill_the_memory_is_refused(name: str, text: str) -> None:
    with pytest.raises(SourceError, match=r"more than (1,000,000 tags|4,000,000 tags|20 MB)") as refusal:
        read_content(gzip.compress(text.encode(), 1), f"{name}.gz")
    assert "\n" not in str(refusal.value)


def test_lists_of_lists_of_lists_above_a_page_do_not_multiply() -> None:
    text = f"---\n{BOMB}title: *i\nlocation: *i\n---\nEveryone gets a bicycle.\n"
    (page,) = read_content(text.encode(), "page.md").pages
    assert len(page.title) < 1000 and page.blocks[-1].text == "Everyone gets a bicycle."


def test_a_feeds_entities_do_not_multiply() -> None:
    nested = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 11))
    feed = f'<?xml version="1.0"?><!DOCTYPE j [<!ENTITY e0 "lol">{nested}]><jobs><job><title>Cook &e10;</title></job></jobs>'
    with contextlib.suppress(SourceError):
        assert len(str(read_content(feed.encode(), "feed.xml"))) < 10_000
