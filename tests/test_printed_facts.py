import pytest

from knowledge.printed_facts import facts_of, is_jobs_heading, looks_like_department, looks_like_title


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("Lisbon, Portugal", [("locations", "Lisbon, Portugal")]),
        ("Remote (Germany)", [("workplace_type", "Remote"), ("locations", "Germany")]),
        ("Berlin (Hybrid)", [("locations", "Berlin"), ("workplace_type", "Hybrid")]),
        ("Berlin Full time", [("locations", "Berlin"), ("employment_type", "Full time")]),
        ("Hybrid · Part time", [("workplace_type", "Hybrid"), ("employment_type", "Part time")]),
        ("€60,000 – €75,000", [("salary", "€60,000 – €75,000")]),
        ("Salary: £27,500", [("salary", "£27,500")]),
        ("Apply by 3 March 2031", [("closes", "3 March 2031")]),
        ("Posted on 2031-03-03", [("posted", "2031-03-03")]),
        ("Team: Routing", [("department", "Routing")]),
        ("Ref: A-17", [("id", "A-17")]),
        ("Senior Backend Engineer", []),
        ("Office Manager", []),
        ("Engineering", []),
        ("We pay €11 an hour and everyone gets a loaf of bread to take home.", []),
    ],
)
def test_a_line_states_what_it_is(line: str, facts: list[tuple[str, str]]) -> None:
    assert facts_of(line) == facts


@pytest.mark.parametrize(
    "heading",
    ["Open positions at the Maps team", "OPEN ROLES", "We're hiring!", "Current openings", "Jobs", "Offene Stellen",
     "Unsere offenen Stellen", "Postes ouverts", "Job openings in Lisbon", "Vacancies", "Now hiring", "Nous recrutons"],
)  # fmt: skip
def test_headings_announce_positions(heading: str) -> None:
    assert is_jobs_heading(heading)


@pytest.mark.parametrize(
    "heading",
    ["How we hire", "Closed positions", "Open source", "Job security", "Our jobs are hard.", "Benefits"],
)
def test_other_headings_do_not(heading: str) -> None:
    assert not is_jobs_heading(heading)


@pytest.mark.parametrize(
    "line", ["Kiln Engineer", "Koch (m/w/d)", "Head of People", "Développeuse web", "Registered Nurse"]
)
def test_roles_look_like_titles(line: str) -> None:
    assert looks_like_title(line)


@pytest.mark.parametrize(
    "line", ["Engineering", "Backend Development", "People", "R&D", "Customer Success", "Sales (3)"]
)
def test_teams_look_like_departments(line: str) -> None:
    assert looks_like_department(line) and not looks_like_title(line)
