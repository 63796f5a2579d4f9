import contextlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import JobPosting, Status
from knowledge.errors import SourceError
from knowledge.jobs import read_job_postings

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
