from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.careers_text import read_careers_text
from knowledge.documents import Block, BlockKind, JobPosting, Listing, Page
from knowledge.errors import SourceError
from knowledge.wording import squash


def page_of(text: str) -> Page:
    return read_careers_text(text, "page.txt").pages[0]


def jobs_of(text: str) -> tuple[JobPosting, ...]:
    return read_careers_text(text, "page.txt").jobs


def block_with(page: Page, words: str) -> Block:
    return next(block for block in page.blocks if words in block.text)


ROWS = """Careers at the bakery

We're hiring

• Barista, Porto — part-time
• Head Baker, Porto — full-time, permanent
• Delivery Rider, Lisbon — freelance

Showing
1–3
of
7
results

Meet the crew

"The ovens start at four. I like the quiet."
Inês Duarte, Head Baker, Porto

'We close on Mondays, all of us.'
– Rui Matos, Barista

Perks:
• Two free loaves a day
• Mondays off

FAQ
Q: Do I need experience?
A: No. We train you for six weeks.
Q: Do you hire students
A: Yes, for weekends.

Nobody will ever ask you for money.
photo-team.jpg)
"""

STACKS = """Careers at the pottery
======================

Who we are
----------
The pottery makes tiles, basins and glazes in a former
railway depot in Stoke. We are 74 people, and eleven of
us fire the kilns at night so that you can unpack them
in the morning.

Job openings
------------
Engineering

Kiln Engineer
Stoke-on-Trent
Full time
£38,000 - £42,000
Apply by 3 March 2099

Firmware Developer
Remote (UK)
Part time
Sales

Export Manager
Lisbon, Portugal
Hybrid
Permanent

HOW TO APPLY
Step 1: Write to us
Send two pages to jobs@pottery.example. No cover letter.
Step 2: Visit
You see the kilns and talk to the people who run them.

Frequently asked questions

Do you sponsor visas?
Yes, for kiln engineers only.

Is there parking?
There are nine spaces. Come early.

What our people say

Maya Okonkwo
Glaze Chemist
„I came for the colours and stayed for the people who make them."

Tom Fielding
Night Fireman
«Nobody tells me how to do my work, and nobody has to.»
"""

TABLE = """Open roles on the ship

Role | Team | Location | Type
Sonar Analyst | Acoustics | Bergen, Norway | Full time
Deck Hand | Fleet | Bergen, Norway | Seasonal
Marine Biologist | Science | Remote | Contract

Life on board
Crews sail for twenty-one days and then have twenty-one days off. Meals and cabins
are free, and the satellite link carries video calls.

People

Fleet
“I have never had two days alike.”
Astrid Nygård
Second Mate

Acoustics
״We listen to whales for a living, and nobody at parties believes it.״
Jonas Weir
Sonar Analyst
"""

TABS = """Logistics & Dispatch

What we do
We move 3,400 parcels an hour through two halls.

Benefits
30 days of holiday
Free lunch on Fridays
Bike leasing
A company pension (6 %)

Offene Stellen

Disponent (m/w/d)\tHamburg\tVollzeit\tunbefristet
Lagerleiter (m/w/d)\tBremen\tVollzeit\tbefristet
Werkstudent Datenpflege (m/w/d)\tHamburg\tTeilzeit\tStudent

12 offene Stellen

Why work
with us?
01 Freedom
You plan your own tours and nobody second-guesses them afterwards.
02
Money
We pay above the regional agreement and publish the tables.
"""


def test_rows_with_separators_become_postings() -> None:
    jobs = jobs_of(ROWS)
    assert [(job.title, job.locations, job.employment_type) for job in jobs] == [
        ("Barista", ("Porto",), "part-time"),
        ("Head Baker", ("Porto",), "full-time, permanent"),
        ("Delivery Rider", ("Lisbon",), "freelance"),
    ]


def test_a_count_over_several_lines_is_the_listing() -> None:
    assert page_of(ROWS).listing == Listing(3, 7, "Showing 1–3 of 7 results")
    assert page_of("Jobs\n\n4 of 16 jobs\n\nWe like it here very much.").listing == Listing(
        4, 16, "4 of 16 jobs"
    )
    assert page_of(TABS).listing == Listing(None, 12, "12 offene Stellen")


def test_questions_marked_q_and_a_become_headings() -> None:
    page = page_of(ROWS)
    assert block_with(page, "six weeks").headings == ("FAQ", "Do I need experience?")
    assert block_with(page, "weekends").headings == ("FAQ", "Do you hire students")
    assert block_with(page, "ask you for money").headings == ("FAQ",)


def test_a_list_keeps_its_lead_in() -> None:
    perks = block_with(page_of(ROWS), "loaves")
    assert (perks.kind, perks.lead) == (BlockKind.LIST, "Perks:")
    assert perks.text == "Two free loaves a day\nMondays off"


def test_people_are_quoted_with_name_role_and_team() -> None:
    speakers = [
        block.speaker for text in (ROWS, STACKS, TABLE) for block in page_of(text).blocks if block.speaker
    ]
    assert speakers == [
        "Inês Duarte, Head Baker, Porto",
        "Rui Matos, Barista",
        "Maya Okonkwo, Glaze Chemist",
        "Tom Fielding, Night Fireman",
        "Astrid Nygård, Second Mate, Fleet",
        "Jonas Weir, Sonar Analyst, Acoustics",
    ]


def test_quotation_marks_of_every_kind_stay_outside_the_words() -> None:
    words = [block.text for block in page_of(STACKS).blocks if block.kind is BlockKind.QUOTATION]
    assert words == [
        "I came for the colours and stayed for the people who make them.",
        "Nobody tells me how to do my work, and nobody has to.",
    ]
    assert block_with(page_of(TABLE), "whales").text.endswith("believes it.")


def test_leftovers_of_images_are_dropped() -> None:
    assert not any(".jpg" in block.text for block in page_of(ROWS).blocks)


def test_wrapped_lines_are_one_paragraph() -> None:
    about = block_with(page_of(STACKS), "former railway depot")
    assert about.headings == ("Who we are",)
    assert about.text.startswith("The pottery makes") and about.text.endswith("in the morning.")
    assert block_with(page_of(TABLE), "days off. Meals and cabins are free").headings == ("Life on board",)


def test_stacked_lines_are_read_by_what_they_are() -> None:
    kiln, firmware, export = jobs_of(STACKS)
    assert (kiln.locations, kiln.employment_type, kiln.salary) == (
        ("Stoke-on-Trent",),
        "Full time",
        "£38,000 - £42,000",
    )
    assert kiln.closes and kiln.closes.isoformat() == "2099-03-03"
    assert (firmware.locations, firmware.workplace_type) == (("UK",), "Remote")
    assert (export.workplace_type, export.employment_type) == ("Hybrid", "Permanent")


def test_subheadings_above_postings_are_their_departments() -> None:
    assert [job.department for job in jobs_of(STACKS)] == ["Engineering", "Engineering", "Sales"]


def test_a_table_head_says_what_its_columns_hold() -> None:
    jobs = jobs_of(TABLE)
    assert [(job.title, job.department) for job in jobs] == [
        ("Sonar Analyst", "Acoustics"),
        ("Deck Hand", "Fleet"),
        ("Marine Biologist", "Science"),
    ]
    assert [job.workplace_type for job in jobs] == ["", "", "Remote"]


def test_columns_between_tabs_are_read() -> None:
    assert [(job.title, job.locations, job.employment_type) for job in jobs_of(TABS)] == [
        ("Disponent (m/w/d)", ("Hamburg",), "Vollzeit, unbefristet"),
        ("Lagerleiter (m/w/d)", ("Bremen",), "Vollzeit, befristet"),
        ("Werkstudent Datenpflege (m/w/d)", ("Hamburg",), "Teilzeit, Student"),
    ]


def test_numbered_headings_lose_their_number_and_broken_ones_their_break() -> None:
    page = page_of(TABS)
    assert block_with(page, "own tours").headings == ("Why work with us?", "Freedom")
    assert block_with(page, "regional agreement").headings == ("Why work with us?", "Money")


def test_short_lines_in_a_row_are_a_list() -> None:
    benefits = block_with(page_of(TABS), "30 days")
    assert benefits.kind is BlockKind.LIST
    assert benefits.text.count("\n") == 3
    assert benefits.headings[-1] == "Benefits"


def test_steps_are_headings_below_their_section() -> None:
    assert block_with(page_of(STACKS), "talk to the people").headings == ("HOW TO APPLY", "Step 2: Visit")


def test_questions_are_headings_below_their_section() -> None:
    assert block_with(page_of(STACKS), "nine spaces").headings == (
        "Frequently asked questions",
        "Is there parking?",
    )


VOCABULARY = "Temp\nStudent\nIntern\nProgram\nEntry-level\nFull time\nPeople Manager"


def test_labels_that_every_posting_carries_are_no_facts() -> None:
    titles = ("Data Engineer", "Senior Data Engineer", "Data Engineer, Maps")
    page = "Open positions\n" + "\n".join(f"{title}\nVilnius\nRemote\nData\n{VOCABULARY}" for title in titles)
    for job in jobs_of(page):
        assert (job.locations, job.department) == (("Vilnius",), "Data")
        assert (job.employment_type, job.level, job.workplace_type) == ("", "", "")
        assert job.labels == (
            "Remote",
            "Temp",
            "Student",
            "Intern Program",
            "Entry-level",
            "Full time",
            "People Manager",
        )


def test_what_differs_between_postings_stays_a_fact() -> None:
    page = (
        "Open roles\nCook\nRiga\nPermanent\nSeasonal\nPart time\nDriver\nOslo\nFixed term\nSeasonal\nPart time\n"
        "Clerk\nOslo\nInternship\nSeasonal\nPart time\n"
    )
    assert [job.employment_type for job in jobs_of(page)] == ["Permanent", "Fixed term", "Internship"]
    assert {job.labels for job in jobs_of(page)} == {("Seasonal", "Part time")}


def test_one_label_that_all_postings_share_stays_a_fact() -> None:
    page = "Vacancies\nNurse\nLeeds\nFull time\nCook\nYork\nFull time\nPorter\nHull\nFull time\n"
    assert {job.employment_type for job in jobs_of(page)} == {"Full time"}
    assert not any(job.labels for job in jobs_of(page))


def test_labels_of_one_posting_that_contradict_each_other_are_no_facts() -> None:
    (job,) = jobs_of("Vacancies\nNight Nurse\nLeeds\nPermanent\nTemporary\nFull time\n")
    assert job.employment_type == "Full time"
    assert job.labels == ("Permanent", "Temporary")


def test_a_label_that_denies_the_title_is_no_fact() -> None:
    senior, other = jobs_of("Vacancies\nSenior Nurse\nLeeds\nEntry-level\nCook\nYork\nMid-level\n")
    assert (senior.level, senior.labels) == ("", ("Entry-level",))
    assert (other.level, other.labels) == ("Mid-level", ())


def test_facts_are_quoted_in_the_words_of_the_page() -> None:
    for text in (ROWS, STACKS, TABLE, TABS):
        for job in jobs_of(text):
            assert all(squash(quote) in squash(text) for quote in job.quotes.values())
            assert all(squash(block.text) in squash(text) for block in job.blocks)


def test_blocks_hold_the_words_of_the_page() -> None:
    for text in (ROWS, STACKS, TABLE.replace(" | ", "\t"), TABS):
        for block in page_of(text).blocks:
            if block.kind is not BlockKind.LIST:
                assert squash(block.text) in squash(text)


def test_a_page_without_positions_has_none() -> None:
    text = "How we work\n\nMeetings\nWe meet on Mondays for an hour.\n\nLead Engineer rota\nOne of us answers the phone.\n"
    assert jobs_of(text) == ()


def test_menus_and_footers_are_left_out() -> None:
    text = "Our team\n\nSkip to content\nLife here\nTeams\n\nWe are nine people in Riga.\n\nPrivacy\nCookies\n© Us\n"
    assert [block.text for block in page_of(text).blocks] == ["We are nine people in Riga."]


def test_an_empty_text_is_skipped() -> None:
    assert read_careers_text(" \n\n", "page.txt").skipped[0].source == "page.txt"


def test_the_shared_team_page_is_read_in_full(shared: Path) -> None:
    text = (shared / "sources" / "wix-backend" / "team-page.txt").read_text(encoding="utf-8")
    reading = read_careers_text(text, "team-page.txt")
    page = reading.pages[0]
    assert len(reading.jobs) == 4
    assert {job.locations for job in reading.jobs} == {("Tel Aviv",)}
    assert len({job.department for job in reading.jobs}) == 1
    assert all(len(job.labels) == 7 and not job.employment_type and not job.level for job in reading.jobs)
    assert page.listing == Listing(5, 16, "Showing 5 out of 16")
    quotations = [block for block in page.blocks if block.kind is BlockKind.QUOTATION]
    assert [block.speaker.count(", ") for block in quotations] == [2, 2, 2, 2]
    assert all(squash(block.text) in squash(text) for block in page.blocks)
    assert len({block.headings for block in page.blocks if len(block.headings) == 2}) == 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from((ROWS + STACKS + TABLE + TABS).splitlines()), st.text(max_size=40)),
        max_size=30,
    ).map("\n".join)
)
def test_shuffled_and_broken_pages_are_read_or_refused(text: str) -> None:
    try:
        reading = read_careers_text(text, "page.txt")
    except SourceError:
        return
    assert len({job.id for job in reading.jobs}) == len(reading.jobs)


BOARD = """Work at the instrument maker

Open positions

ENGINEERING
Backend Engineer
Apply
Remote — Berlin / Engineering / Full time
Test Engineer (f/m/d)
Apply
Hybrid — Gothenburg, Sweden / Engineering / Part time

Sales (1)

Account Executive, DACH
Apply
Vienna • Hybrid

Life at the bench

You get a soldering iron and nobody looking over your shoulder.
"""

DESCRIBED = """Current vacancies

Veterinary Nurse
Location: Leeds
Contract: Permanent, full time
Salary: £27,500 to £31,000
You look after the animals before and after surgery.

Receptionist
Location: York
Contract: Fixed term, 12 months
You are the first voice that people hear.

Why work here
- No night shifts
- Your own locker
"""

UNSPACED = """Team Kundendienst
Wir helfen Menschen, deren Heizung ausgefallen ist, und zwar am selben Tag.
Was uns ausmacht
Kurze Wege
Wer eine Idee hat, geht zwei Türen weiter und fragt.
Feste Zeiten
Um 17 Uhr ist Schluss, auch im Winter.
Unsere offenen Stellen
Servicetechniker (m/w/d)
Kassel
Vollzeit
Kundendienst
Disponentin (m/w/d)
Fulda
Teilzeit
Kundendienst
2 von 9 Stellen
Stimmen
„Ich habe hier mit 52 noch einmal neu angefangen.“
Petra Lohse
Servicetechnikerin
„Freitags kochen wir zusammen, das ist Pflicht.“
Milan Kovač
Disponent
"""


def test_lines_that_mix_place_team_and_contract_are_taken_apart() -> None:
    assert [
        (job.locations, job.department, job.workplace_type, job.employment_type) for job in jobs_of(BOARD)
    ] == [
        (("Berlin",), "Engineering", "Remote", "Full time"),
        (("Gothenburg, Sweden",), "Engineering", "Hybrid", "Part time"),
        (("Vienna",), "Sales", "Hybrid", ""),
    ]


def test_a_posting_keeps_the_sentences_below_it() -> None:
    nurse, receptionist = jobs_of(DESCRIBED)
    assert (nurse.locations, nurse.employment_type) == (("Leeds",), "Permanent, full time")
    assert nurse.salary == "£27,500 to £31,000"
    assert nurse.blocks[-1].text == "You look after the animals before and after surgery."
    assert receptionist.blocks[-1].text == "You are the first voice that people hear."
    assert page_of(DESCRIBED).blocks[0].headings == ("Why work here",)


def test_a_page_without_empty_lines_is_read() -> None:
    page, jobs = page_of(UNSPACED), jobs_of(UNSPACED)
    assert page.language == "de"
    assert block_with(page, "17 Uhr").headings == ("Was uns ausmacht", "Feste Zeiten")
    assert [(job.title, job.locations, job.department) for job in jobs] == [
        ("Servicetechniker (m/w/d)", ("Kassel",), "Kundendienst"),
        ("Disponentin (m/w/d)", ("Fulda",), "Kundendienst"),
    ]
    assert page.listing == Listing(2, 9, "2 von 9 Stellen")
    assert [block.speaker for block in page.blocks if block.speaker] == [
        "Petra Lohse, Servicetechnikerin",
        "Milan Kovač, Disponent",
    ]
