import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_server import Sent, Site, serving

from knowledge.documents import Status
from knowledge.errors import EmptyError, SourceError, UnreachableError
from knowledge.web import Web
from knowledge.websites import Reach, board_address, read_website

WORDS = "<p>We are nine people in a mill by the river, and would like to be ten.</p>"


def page(title: str, *links: str, words: str = WORDS) -> str:
    anchors = "".join(f'<a href="{link}">{link}</a>' for link in links)
    return f"<html><head><title>{title}</title></head><body><nav>{anchors}</nav><main><h1>{title}</h1>{words}</main></body></html>"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with Web(tmp_path / "web", allow_private=True, pause=0, sleep=lambda seconds: None) as web:
        yield web


def test_a_page_is_read_with_its_address(site: Site, web: Web) -> None:
    site.pages["/careers"] = page("Careers", "/other")
    (read,) = read_website(f"{site.url}/careers#top", web).pages
    assert (read.title, read.url, read.source) == ("Careers", f"{site.url}/careers", f"{site.url}/careers")
    assert site.read() == ["/careers 200"]


def test_a_site_is_read_to_the_depth_given_and_each_page_once(site: Site, web: Web) -> None:
    site.pages |= {
        "/": page("Home", "/a", "/a#team", "/a?utm_source=x", "b/", "https://elsewhere.example/", "/p.png", "mailto:a@b.c"),
        "/a": page("A", "/", "/a/deep", words="<p>Words of the first page below the home page.</p>"),
        "/b/": page("B", "/a", words="<p>Words of the second page below the home page.</p>"),
        "/a/deep": page("Deep", "/a/deeper", words="<p>Words of a page two links away from the home page.</p>"),
    }  # fmt: skip
    for depth, titles in enumerate([["Home"], ["Home", "A", "B"], ["Home", "A", "B", "Deep"]]):
        reading = read_website(f"{site.url}/", web, Reach(depth))
        assert [read.title for read in reading.pages] == titles and not reading.skipped
        site.read()


def test_only_the_paths_asked_for_and_no_more_than_the_limit(site: Site, web: Web) -> None:
    site.pages["/"] = page("Home", *(f"/{room}/{n}" for n in range(4) for room in ("jobs", "shop")))
    site.pages |= {
        f"/jobs/{n}": page(f"Job {n}", words=f"<p>Number {n} is a page about the life with us.</p>")
        for n in range(4)
    }
    reading = read_website(f"{site.url}/", web, Reach(1, ("/jobs/*",), limit=3))
    assert [read.title for read in reading.pages] == ["Home", "Job 0", "Job 1"]
    assert "2 further pages are left out" in reading.skipped[0].why


def test_pages_with_the_same_words_count_once(site: Site, web: Web) -> None:
    site.pages |= {"/": page("Home", "/a", "/b"), "/a": page("Same"), "/b": page("Same")}
    assert [read.title for read in read_website(f"{site.url}/", web, Reach(1)).pages] == ["Home", "Same"]


def test_a_page_that_fails_behind_the_first_is_skipped_or_taken_from_its_copy(site: Site, web: Web) -> None:
    site.pages |= {
        "/": page("Home", "/a", "/gone", "/shell"),
        "/a": page("A", words="<p>Words of the page that fails later on.</p>"),
    }
    site.pages["/shell"] = "<div>Loading…</div>"
    reading = read_website(f"{site.url}/", web, Reach(1))
    assert [read.title for read in reading.pages] == ["Home", "A"]
    assert ["no such page" in skip.why for skip in reading.skipped] == [True, False]
    assert "rendered copy" in reading.skipped[1].why
    site.pages["/a"] = Sent(status=500)
    again = read_website(f"{site.url}/", web, Reach(1))
    assert again.pages == reading.pages and "The copy kept of it is used" in again.skipped[0].why
    site.pages["/a"] = Sent(status=410)
    assert [read.title for read in read_website(f"{site.url}/", web, Reach(1)).pages] == ["Home"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_sitemap_index_leads_to_all_pages_of_the_site(site: Site, web: Web, packed: bool) -> None:
    ns = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    inner = f"<?xml version='1.0'?><urlset {ns}><url><loc>{site.url}/a</loc></url><url><loc> {site.url}/b </loc></url><url><loc>https://elsewhere.example/</loc></url></urlset>".encode()
    name = "pages.xml.gz" if packed else "pages.xml"
    site.pages |= {
        "/sitemap.xml": f"<sitemapindex {ns}><sitemap><loc>{site.url}/{name}</loc></sitemap><sitemap><loc>{site.url}/sitemap.xml</loc></sitemap></sitemapindex>",
        f"/{name}": gzip.compress(inner) if packed else inner,
        "/a": page("A", words="<p>Words of the first page that the sitemap lists.</p>"),
        "/b": page("B", words="<p>Words of the second page that the sitemap lists.</p>"),
    }
    reading = read_website(f"{site.url}/sitemap.xml", web)
    assert [read.title for read in reading.pages] == ["A", "B"]
    assert reading.skipped[0].why == "1 addresses of other sites are left out"


def test_a_sitemap_of_an_index_that_fails_is_taken_from_its_copy_or_fails_the_site(
    site: Site, web: Web
) -> None:
    site.pages |= {
        "/sitemap.xml": f"<sitemapindex><sitemap><loc>{site.url}/a.xml</loc></sitemap></sitemapindex>",
        "/a.xml": Sent(status=503),
        "/a": page("A"),
    }
    with pytest.raises(UnreachableError):
        read_website(f"{site.url}/sitemap.xml", web)
    site.pages["/a.xml"] = f"<urlset><url><loc>{site.url}/a</loc></url></urlset>"
    assert len(read_website(f"{site.url}/sitemap.xml", web).pages) == 1
    site.pages["/a.xml"] = Sent(status=503)
    assert len(read_website(f"{site.url}/sitemap.xml", web).pages) == 1


def test_the_answer_of_a_board_is_told_by_its_shape(site: Site, web: Web) -> None:
    site.pages["/v1/jobs"] = Sent(
        json.dumps({"jobs": [{"id": 7, "title": "Miller", "location": {"name": "Riga"}, "absolute_url": "https://mill.example/7"}]}).encode(),
        headers={"content-type": "application/json"},
    )  # fmt: skip
    (job,) = read_website(f"{site.url}/v1/jobs", web).jobs
    assert (job.id, job.locations, job.url) == ("7", ("Riga",), "https://mill.example/7")


def test_a_paged_answer_is_followed_and_described(site: Site, web: Web) -> None:
    def entry(number: int) -> dict[str, object]:
        return {
            "id": str(number),
            "name": f"Miller {number}",
            "department": {},
            "location": {"city": "Riga", "country": "lv"},
            "company": {"identifier": "Mill"},
            "releasedDate": "2025-05-05T10:00:00.000Z",
            "ref": f"{site.url}/v1/postings/{number}",
        }

    def answer(offset: int, *numbers: int) -> str:
        content = [entry(number) for number in numbers]
        return json.dumps({"offset": offset, "limit": 2, "totalFound": 4, "content": content})

    site.pages |= {"/v1/postings": answer(0, 1, 2), "/v1/postings?offset=2": answer(2, 2, 3)}
    for number in (1, 2, 3):
        text = {"title": "Job Description", "text": f"<p>You grind wheat number {number}.</p>"}
        site.pages[f"/v1/postings/{number}"] = Sent(
            json.dumps({"id": str(number), "jobAd": {"sections": {"jobDescription": text}}}).encode()
        )
    reading = read_website(f"{site.url}/v1/postings", web)
    # Number 2 moved to the second page while we read the first: it counts once.
    assert [job.title for job in reading.jobs] == ["Miller 1", "Miller 2", "Miller 3"]
    assert [job.blocks[0].text for job in reading.jobs] == [f"You grind wheat number {n}." for n in (1, 2, 3)]
    assert reading.jobs[0].locations == ("Riga, Latvia",) and not reading.skipped


def test_the_next_page_of_a_feed_is_read_and_no_page_twice(site: Site, web: Web) -> None:
    def feed(number: int, following: str) -> str:
        job = {
            "id": str(number),
            "title": f"Miller {number}",
            "url": f"https://mill.example/{number}",
            "content_html": "<p>Flour.</p>",
        }
        return json.dumps(
            {"version": "https://jsonfeed.org/version/1.1", "items": [job], "next_url": following}
        )

    site.pages |= {
        "/jobs.json": feed(1, "/jobs.json?page=2"),
        "/jobs.json?page=2": feed(2, f"{site.url}/jobs.json"),
    }
    assert [job.title for job in read_website(f"{site.url}/jobs.json", web).jobs] == ["Miller 1", "Miller 2"]


def test_half_a_board_is_no_board(site: Site, web: Web) -> None:
    first = {
        "offset": 0,
        "totalFound": 2,
        "content": [{"id": "1", "name": "Miller", "location": {"city": "Riga"}}],
    }
    site.pages |= {"/a.json": json.dumps(first), "/a.json?offset=1": Sent(status=500)}
    with pytest.raises(UnreachableError):
        read_website(f"{site.url}/a.json", web)


def test_an_empty_board_is_told_from_one_that_cannot_be_read(site: Site, web: Web) -> None:
    site.pages |= {"/a.json": '{"jobs": [], "meta": {"total": 0}}', "/b.json": '{"error": "no such board"}'}
    with pytest.raises(EmptyError, match="its list is empty"):
        read_website(f"{site.url}/a.json", web)
    with pytest.raises(SourceError, match="holds no job postings") as refusal:
        read_website(f"{site.url}/b.json", web)
    assert type(refusal.value) is SourceError


def test_a_posting_of_an_overview_and_of_its_own_page_is_one(site: Site, web: Web) -> None:
    posting = {
        "@type": "JobPosting",
        "title": "Miller",
        "validThrough": "2020-01-01",
        "jobLocation": {"address": {"addressLocality": "Riga"}},
        "description": "<p>You grind wheat.</p>",
    }
    listed = [
        {
            "@type": "JobPosting",
            "title": "Miller",
            "url": "/miller",
            "jobLocation": {"address": {"addressLocality": "Riga"}},
        }
    ]
    script = '<script type="application/ld+json">{}</script>'
    site.pages |= {
        "/": page("Home", "/miller", words=WORDS + script.format(json.dumps(listed))),
        "/miller": page(
            "Miller",
            words="<p>You grind wheat, all day and every day but Sundays.</p>"
            + script.format(json.dumps(posting)),
        ),
    }
    (job,) = read_website(f"{site.url}/", web, Reach(1)).jobs
    assert (job.status, job.url) == (Status.CLOSED, f"{site.url}/miller")


def test_the_encoding_that_the_site_or_the_page_declares_is_taken(site: Site, web: Web) -> None:
    text = page("Работа у нас", words="<p>Нас девять человек, и мы хотели бы, чтобы нас стало десять.</p>")
    site.pages["/head"] = Sent(
        text.encode("cp1251"), headers={"content-type": "text/html; charset=windows-1251"}
    )
    declared = text.replace("<head>", '<head><meta charset="windows-1251">')
    site.pages["/meta"] = Sent(declared.encode("cp1251"), headers={"content-type": "text/html"})
    for path in ("head", "meta"):
        assert read_website(f"{site.url}/{path}", web).pages[0].title == "Работа у нас"


def test_a_first_page_that_holds_nothing_is_refused_in_one_line(site: Site, web: Web) -> None:
    site.pages |= {
        "/shell": "<div>Loading…</div>",
        "/picture": Sent(b"\x89PNG\x00", headers={"content-type": "image/png"}),
    }
    for path, words in {
        "shell": "rendered copy",
        "picture": "not a text file|not a kind",
        "gone": "no such page",
    }.items():
        with pytest.raises(SourceError, match=words) as refusal:
            read_website(f"{site.url}/{path}", web)
        assert "\n" not in str(refusal.value)


def test_reading_again_asks_only_whether_anything_changed(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/": page("Home", "/a"),
        "/a": page("A", words="<p>Words of the only page below the home page.</p>"),
    }
    readings = []
    for _ in range(2):
        with Web(tmp_path, allow_private=True, pause=0) as web:
            readings.append(read_website(f"{site.url}/", web, Reach(1)))
    assert readings[0] == readings[1]
    assert site.read() == ["/ 200", "/a 200", "/ 304", "/a 304"]


def test_progress_is_told_page_by_page(site: Site, web: Web) -> None:
    site.pages |= {"/": page("Home", "/a"), "/a": page("A")}
    told: list[tuple[str, int, int]] = []
    read_website(f"{site.url}/", web, Reach(1), lambda *step: told.append(step))
    assert told[-1][1:] == (2, 2) and told[-1][0].startswith("Reading 127.0.0.1")


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        ("https://boards.greenhouse.io/mill", "https://boards-api.greenhouse.io/v1/boards/mill/jobs?content=true"),
        ("https://job-boards.eu.greenhouse.io/mill", "https://boards-api.greenhouse.io/v1/boards/mill/jobs?content=true"),
        ("https://jobs.lever.co/mill/", "https://api.lever.co/v0/postings/mill?mode=json"),
        ("https://jobs.eu.lever.co/mill", "https://api.eu.lever.co/v0/postings/mill?mode=json"),
        ("https://jobs.ashbyhq.com/mill", "https://api.ashbyhq.com/posting-api/job-board/mill?includeCompensation=true"),
        ("https://careers.smartrecruiters.com/Mill?x=1", "https://api.smartrecruiters.com/v1/companies/Mill/postings"),
        ("https://mill.recruitee.com", "https://mill.recruitee.com/api/offers/"),
        ("https://mill.teamtailor.com/jobs", "https://mill.teamtailor.com/jobs.json"),
        ("https://apply.workable.com/mill/", "https://apply.workable.com/api/v1/widget/accounts/mill?details=true"),
        ("https://mill.jobs.personio.de/", "https://mill.jobs.personio.de/xml"),
        ("https://jobs.lever.co/mill/123", "https://jobs.lever.co/mill/123"),
        ("https://mill.example/careers", "https://mill.example/careers"),
    ],
)  # fmt: skip
def test_the_page_of_a_board_is_read_from_its_answer(page: str, answer: str) -> None:
    assert board_address(page) == answer
