import contextlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import JobPosting, Skipped, Status
from knowledge.errors import SourceError
from knowledge.jobs import is_empty_board, read_job_postings

NURSE: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "title": "Night Nurse",
    "identifier": {"@type": "PropertyValue", "name": "Clinic", "value": "N-17"},
    "jobLocation": {
        "@type": "Place",
        "address": {"addressLocality": "Porto", "addressRegion": "Norte", "addressCountry": "PT"},
    },
    "employmentType": ["FULL_TIME", "PART_TIME"],
    "baseSalary": {
        "currency": "EUR",
        "value": {"@type": "QuantitativeValue", "minValue": 60000, "maxValue": 75000, "unitText": "YEAR"},
    },
    "datePosted": "2024-05-01",
    "validThrough": "2024-06-30T23:59:00+02:00",
    "industry": "Nursing",
    "description": "<p>Two patients a shift.</p><ul><li>registration</li><li>patience</li></ul>",
    "url": "https://clinic.example/n-17",
}


def job_of(data: object, today: date | None = None) -> JobPosting:
    return read_job_postings(data, "jobs.json", today).jobs[0]


def test_a_posting_of_schema_org_has_its_facts() -> None:
    job = job_of(NURSE, date(2024, 6, 1))
    assert (job.id, job.title, job.url) == ("n-17", "Night Nurse", "https://clinic.example/n-17")
    assert job.locations == ("Porto, Norte, Portugal",)
    assert (job.employment_type, job.department) == ("Full time, Part time", "Nursing")
    assert job.salary == "€60,000–75,000 per year"
    assert (job.posted, job.closes, job.status) == (date(2024, 5, 1), date(2024, 6, 30), Status.OPEN)
    assert [block.text for block in job.blocks] == ["Two patients a shift.", "registration\npatience"]


def test_a_posting_past_its_date_is_closed() -> None:
    assert job_of(NURSE, date(2024, 7, 1)).status is Status.CLOSED


@pytest.mark.parametrize(
    "data",
    [
        NURSE,
        [NURSE],
        {"@context": "https://schema.org", "@graph": [{"@type": "Organization", "name": "Clinic"}, NURSE]},
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": NURSE}]},
    ],
)
def test_postings_are_found_in_lists_and_graphs(data: object) -> None:
    assert job_of(data).title == "Night Nurse"


@pytest.mark.parametrize(
    ("location", "places"),
    [
        ("Lisbon", ("Lisbon",)),
        (["Lisbon", "Porto"], ("Lisbon", "Porto")),
        ({"address": "Lisbon"}, ("Lisbon",)),
        ({"address": {"addressLocality": "Lisbon", "addressCountry": {"@type": "Country", "name": "Portugal"}}}, ("Lisbon, Portugal",)),
        ([{"address": {"addressLocality": "Lisbon"}}, {"address": {"addressLocality": "Porto"}}], ("Lisbon", "Porto")),
        (None, ()),
    ],
)  # fmt: skip
def test_every_shape_of_a_location_is_read(location: object, places: tuple[str, ...]) -> None:
    assert job_of({**NURSE, "jobLocation": location}).locations == places


def test_remote_postings_take_applicants_places() -> None:
    job = job_of(
        {
            **NURSE,
            "jobLocation": None,
            "jobLocationType": "TELECOMMUTE",
            "applicantLocationRequirements": [
                {"@type": "Country", "name": "Spain"},
                {"@type": "Country", "name": "Italy"},
            ],
        }
    )
    assert (job.workplace_type, job.locations) == ("Remote", ("Spain", "Italy"))


@pytest.mark.parametrize(
    ("salary", "words"),
    [
        ({"currency": "CZK", "value": {"value": 172, "unitText": "HOUR"}}, "CZK 172 per hour"),
        ({"currency": "USD", "value": {"minValue": 50000}}, "from $50,000"),
        (
            {"currency": "GBP", "value": {"maxValue": "42000.50", "unitText": "MONTH"}},
            "up to £42,000.50 per month",
        ),
        ({"min": 1, "max": 2, "currency": "EUR", "period": "day"}, "€1–2 per day"),
        ("Band 7", "Band 7"),
        (None, ""),
        ({"currency": "EUR", "value": {"minValue": "ask us"}}, ""),
    ],
)
def test_pay_is_readable(salary: object, words: str) -> None:
    assert job_of({**NURSE, "baseSalary": salary}).salary == words


def test_plain_lists_of_objects_are_postings() -> None:
    reading = read_job_postings(
        [
            {"title": "Cook", "location": "Riga", "url": "https://inn.example/cook"},
            {
                "title": "Clerk",
                "location": {"name": "Oslo"},
                "department": {"name": "Front desk"},
                "remote": True,
            },
        ],
        "jobs.json",
    )
    cook, clerk = reading.jobs
    assert (cook.id, cook.locations, cook.url) == ("cook-riga", ("Riga",), "https://inn.example/cook")
    assert (clerk.locations, clerk.department, clerk.workplace_type) == (("Oslo",), "Front desk", "Remote")


def test_one_posting_listed_for_each_of_its_places_is_one() -> None:
    job = {"id": "A1", "title": "Cook", "url": "https://inn.example"}
    reading = read_job_postings([{**job, "location": "Riga"}, {**job, "location": "Oslo"}], "jobs.json")
    assert [job.locations for job in reading.jobs] == [("Riga", "Oslo")]


def test_two_postings_with_one_title_have_two_ids() -> None:
    job = {"title": "Cook", "location": "Riga"}
    assert len({job.id for job in read_job_postings([job, job, job], "jobs.json").jobs}) == 3


def test_escaped_html_is_read_as_html() -> None:
    job = job_of(
        [{"title": "Cook", "location": "Riga", "content": "&lt;p&gt;Salt &amp;amp; pepper&lt;/p&gt;"}]
    )
    assert [block.text for block in job.blocks] == ["Salt & pepper"]


def test_unlisted_entries_are_reported() -> None:
    reading = read_job_postings(
        [NURSE, {"title": "Cook", "location": "Riga", "isListed": False}], "jobs.json"
    )
    assert len(reading.jobs) == 1 and "1 of its entries" in reading.skipped[0].why


@pytest.mark.parametrize(
    ("board", "count"), [("greenhouse", 2), ("lever", 2), ("ashby", 2), ("smartrecruiters", 1), ("recruitee", 2), ("teamtailor", 2), ("workable", 1)]
)  # fmt: skip
def test_the_shared_job_boards_are_read(shared: Path, board: str, count: int) -> None:
    text = (shared / "sources" / "job-boards" / f"{board}.json").read_text(encoding="utf-8")
    jobs = read_job_postings(json.loads(text), f"{board}.json").jobs
    assert len(jobs) == count
    assert all(job.title and job.locations and job.posted for job in jobs)


TODAY = date(2025, 6, 1)


def told(job: JobPosting, *fields: str) -> tuple[object, ...]:
    return tuple(getattr(job, field) for field in fields)


@pytest.mark.parametrize("board", [list, lambda entries: {"jobs": entries, "offices": [{"city": "Oslo"}]}])
def test_entries_without_a_title_are_told(board: Callable[[list[Any]], Any]) -> None:
    entries = [
        {"title": "Miller", "location": "Riga"},
        {"location": "Oslo"},
        {"title": " ", "url": "https://mill.example/2"},
    ]
    reading = read_job_postings(board(entries), "board.json")
    assert [job.title for job in reading.jobs] == ["Miller"]
    assert reading.skipped == (Skipped("board.json", "2 of its entries are unlisted or have no title"),)


def test_objects_beside_postings_that_say_what_they_are_are_no_entries_without_a_title() -> None:
    graph = [
        {"@type": "Organization", "url": "https://mill.example"},
        {"@type": "JobPosting", "title": "Miller"},
        {},
        {"note": "x"},
    ]
    reading = read_job_postings(graph, "board.json")
    assert len(reading.jobs) == 1 and reading.skipped == ()


def test_a_comeet_position_is_read() -> None:
    position = {
        "uid": "A1.2B",
        "name": "Miller",
        "department": "Mill",
        "url_active_page": "https://mill.example/careers/miller",
        "location": {"name": "Riga HQ", "country": "LV", "city": "Riga", "state": None, "is_remote": True},
        "employment_type": "Full-time",
        "experience_level": "Senior",
        "workplace_type": None,
        "details": [
            {"name": "Description", "value": "<p>Grind &amp; sift.</p><p><br></p>", "order": 1},
            {"name": "Requirements", "value": "<ul><li>Two years</li><li></li></ul>", "order": 2},
        ],
    }
    job = job_of([position])
    assert told(job, "id", "locations", "department", "level") == (
        "a1-2b",
        ("Riga, Latvia",),
        "Mill",
        "Senior",
    )
    assert told(job, "url", "workplace_type") == ("https://mill.example/careers/miller", "Remote")
    assert [(block.headings, block.text) for block in job.blocks] == [
        (("Description",), "Grind & sift."),
        (("Requirements",), "Two years"),
    ]


def test_a_greenhouse_job_is_read_with_its_metadata() -> None:
    job = job_of(
        {
            "jobs": [
                {
                    "id": 7,
                    "title": "Miller &amp; Baker",
                    "location": {"name": "Riga, Latvia; Oslo, Norway"},
                    "content": "&lt;p&gt;You grind &amp;amp; sift.&lt;/p&gt;&lt;p&gt;Fine flour&amp;nb",
                    "departments": [],
                    "offices": None,
                    "metadata": [
                        {"name": "Employment Type", "value": "Regular"},
                        {"name": "Salary Range", "value": {"min_value": "10", "max_value": "20", "unit": "EUR"}},
                        {"name": "Cost centre", "value": "4711"},
                    ],
                }
            ],
            "meta": {"total": 1},
        }
    )  # fmt: skip
    assert told(job, "title", "locations") == ("Miller & Baker", ("Riga, Latvia", "Oslo, Norway"))
    assert told(job, "employment_type", "salary", "department") == ("Regular", "€10–20", "")
    assert [block.text for block in job.blocks] == ["You grind & sift.", "Fine flour"]


def test_jobs_are_found_below_departments_that_are_none() -> None:
    answer = {
        "departments": [
            {"id": 5, "name": "Mill", "jobs": [{"id": 1, "title": "Miller", "location": {"name": "Riga"}}]},
            {"id": 6, "name": "Bakery", "parent_id": None, "jobs": []},
        ]
    }
    assert [job.title for job in read_job_postings(answer, "x").jobs] == ["Miller"]
    assert not read_job_postings([{"id": 1, "name": "Riga office"}, {"id": 2, "name": "Oslo"}], "x").jobs


def test_a_lever_posting_is_read() -> None:
    posting = {
        "id": "u",
        "text": "Miller",
        "categories": {"commitment": "Full-time", "team": "Mill", "location": "Riga", "allLocations": ["Riga", "Oslo"]},
        "workplaceType": "hybrid",
        "createdAt": 1735689600000,
        "salaryRange": {"min": 50000, "max": 60000, "currency": "EUR", "interval": "per-year-salary"},
        "lists": [{"text": "You have", "content": "<li>strong arms</li><li>patience</li>"}],
        "additional": "<p>Everybody gets flour.</p>",
        "description": "<p>Hello.</p>",
        "descriptionPlain": "Hello.",
        "hostedUrl": "https://jobs.example/u",
    }  # fmt: skip
    job = job_of([posting])
    assert told(job, "locations", "workplace_type", "department") == (("Riga", "Oslo"), "Hybrid", "Mill")
    assert told(job, "salary", "posted") == ("€50,000–60,000 per year", date(2025, 1, 1))
    texts = [(block.headings, block.text) for block in job.blocks]
    assert texts == [((), "Hello."), (("You have",), "strong arms\npatience"), ((), "Everybody gets flour.")]


def test_an_ashby_job_has_its_second_place_and_no_pay_it_hides() -> None:
    job = {
        "id": "a",
        "title": "Miller",
        "location": "Riga",
        "secondaryLocations": [
            {"location": "Oslo", "address": {"postalAddress": {"addressCountry": "Norway"}}}
        ],
        "employmentType": "PartTime",
        "isListed": True,
        "shouldDisplayCompensationOnJobPostings": False,
        "compensation": {"compensationTierSummary": "€40K – €50K"},
    }
    assert told(job_of({"jobs": [job]}), "locations", "employment_type", "salary") == (
        ("Riga", "Oslo"),
        "Part time",
        "",
    )
    shown = job_of({"jobs": [{**job, "shouldDisplayCompensationOnJobPostings": True}]})
    assert shown.salary == "€40K – €50K"


def test_postings_of_json_api_have_their_attributes() -> None:
    entry = {
        "id": "7",
        "type": "jobs",
        "links": {"careersite-job-url": "https://mill.example/jobs/7"},
        "attributes": {
            "title": "Miller",
            "body": "<p>Grind.</p>",
            "remote-status": "hybrid",
            "created-at": "2025-01-01",
        },
    }
    job = job_of({"data": [entry]})
    assert told(job, "title", "url", "workplace_type") == ("Miller", "https://mill.example/jobs/7", "Hybrid")
    assert job.blocks[0].text == "Grind."


@pytest.mark.parametrize("names", [("Title", "Location"), ("Job Title", "CITY"), ("job-title", "Office")])
def test_names_of_any_spelling_and_lists_of_any_name_are_understood(names: tuple[str, str]) -> None:
    job = job_of({"vagas": [dict(zip(names, ("Miller", "Riga"), strict=True))]})
    assert told(job, "title", "locations") == ("Miller", ("Riga",))


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"archived": True}, Status.CLOSED),
        ({"archived": "true"}, Status.CLOSED),
        ({"active": False}, Status.CLOSED),
        ({"isOpen": "no"}, Status.CLOSED),
        ({"status": "Filled"}, Status.CLOSED),
        ({"validThrough": "2025-05-31T23:59:59+02:00"}, Status.CLOSED),
        ({"validThrough": "2025-06-01"}, Status.OPEN),
        ({"validThrough": ""}, Status.OPEN),
        ({"archived": False, "active": True, "status": "published"}, Status.OPEN),
    ],
)
def test_what_says_that_a_posting_is_over_closes_it(more: dict[str, object], status: Status) -> None:
    assert job_of([{"title": "Miller", "location": "Riga", **more}], TODAY).status is status


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"baseSalary": "50000", "salaryCurrency": "EUR"}, "€50,000"),
        ({"baseSalary": [{"currency": "USD", "value": {"minValue": 20, "maxValue": 25, "unitText": "HOUR"}}]}, "$20–25 per hour"),
        ({"baseSalary": {"currency": "EUR", "minValue": "1.000", "maxValue": "2.000,50"}}, "€1,000–2,000.50"),
        ({"baseSalary": {"currency": "SEK", "value": {"value": "30 000", "unitText": "MONTH"}}}, "SEK 30,000 per month"),
    ],
)  # fmt: skip
def test_pay_of_every_spelling_is_readable(more: dict[str, object], words: str) -> None:
    assert job_of({"@type": "JobPosting", "title": "Miller", **more}).salary == words


def test_countries_are_named_and_empty_objects_say_nothing() -> None:
    job = job_of(
        {
            "name": "Miller",
            "department": {},
            "function": {"label": "Milling"},
            "location": {"city": "", "region": None, "country": "lv"},
            "ref": "https://api.smartrecruiters.com/v1/companies/mill/postings/7",
            "id": "7",
            "company": {"identifier": "Mill"},
        }
    )
    assert told(job, "department", "locations") == ("Milling", ("Latvia",))
    assert job.url == "https://jobs.smartrecruiters.com/Mill/7"


@pytest.mark.parametrize(
    ("data", "empty"),
    [([], True), ({"jobs": []}, True), ({"data": {"postings": []}}, True), ({}, False), ({"error": "no"}, False), ("x", False)],
)  # fmt: skip
def test_an_empty_board_is_told_from_no_board(data: object, empty: bool) -> None:
    assert is_empty_board(data) is empty


NAMES = [
    *NURSE,
    "location",
    "locations",
    "salary",
    "jobs",
    "@graph",
    "department",
    "content",
    "lists",
    "value",
]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(list(NURSE.values())),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_json_is_read_or_refused(data: object) -> None:
    for variant in (data, {**NURSE, **data} if isinstance(data, dict) else [NURSE, data]):
        with contextlib.suppress(SourceError):
            read_job_postings(variant, "jobs.json")
