import pytest

from knowledge.labels import (
    LabelKind,
    canonical,
    classify,
    contradict,
    denies_title,
    is_label,
    title_labels,
    title_levels,
)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Full-Time", "Full time"),
        ("Vollzeit", "Full time"),
        ("Temps partiel", "Part time"),
        ("jornada completa", "Full time"),
        ("Temp", "Temporary"),
        ("CDI", "Permanent"),
        ("befristet", "Temporary"),
        ("Intern Program", "Internship"),
        ("Werkstudent", "Student"),
        ("12-month contract", "Contract"),
        ("Part time (80%)", "Part time"),
        ("full time, 40 hours/week", "Full time"),
    ],
)
def test_contract_words_of_four_languages_have_one_value(line: str, value: str) -> None:
    assert classify(line) is LabelKind.CONTRACT
    assert canonical(line) == value


@pytest.mark.parametrize(
    "line", ["Entry-level", "Senior", "People Manager", "débutant", "mid level", "Principal"]
)
def test_level_words_are_levels(line: str) -> None:
    assert classify(line) is LabelKind.LEVEL


@pytest.mark.parametrize(
    "line", ["Remote", "on-site", "Hybrid (2 days a week)", "Work from home", "Télétravail", "vor Ort"]
)
def test_workplace_words_are_workplaces(line: str) -> None:
    assert classify(line) is LabelKind.WORKPLACE


@pytest.mark.parametrize(
    "line",
    [
        "Senior Backend Engineer",
        "Full stack",
        "We work full time.",
        "Remote sensing",
        "",
        "80–100 %",
        "Student life",
    ],
)
def test_only_whole_lines_are_labels(line: str) -> None:
    assert classify(line) is None


def test_two_kinds_on_one_line_are_labels_of_no_single_kind() -> None:
    assert is_label("Hybrid · Full time")
    assert classify("Hybrid · Full time") is None


def test_labels_of_one_axis_contradict_each_other() -> None:
    assert contradict(["Full time", "Part time"])
    assert contradict(["Permanent", "Seasonal"])
    assert contradict(["Remote", "On site"])
    assert contradict(["Internship", "Manager"])


def test_labels_of_different_axes_go_together() -> None:
    assert not contradict(["Full time", "Permanent", "Hybrid"])
    assert not contradict(["Temporary", "Full time"])
    assert not contradict(["Internship", "Full time"])


def test_one_line_may_offer_both_hours() -> None:
    assert not contradict([canonical("Full time or part time"), "Full time"])


def test_a_title_denies_labels_of_another_rank() -> None:
    assert title_levels("Senior Backend Engineer") == ("Senior",)
    assert denies_title("Entry level", "Senior Backend Engineer")
    assert denies_title("Manager", "Marketing Intern")
    assert not denies_title("Internship", "Marketing Intern")
    assert not denies_title("Full time", "Senior Backend Engineer")


@pytest.mark.parametrize(
    ("title", "contract", "workplace"),
    [
        ("Miller (Perm, Tamland, Remote)", "Perm", "Remote"),
        ("Senior Miller (Perm or Contract)", "Perm or Contract", ""),
        ("Night Baker - Part-Time/Hybrid", "Part-Time", "Hybrid"),
        ("Oat Taster, Teilzeit", "Teilzeit", ""),
        ("Area Miller II - (Shift 3)", "Shift 3", ""),
        ("Contract Manager", "", ""),
        ("Remote Sensing Miller (m/f/d)", "", ""),
        ("Intern Coordinator - Mills", "", ""),
        ("Coordinator, Volunteer", "", ""),
        ("Assistant (Office)", "", ""),
        ("Mill Partner, B2B", "", ""),
        ("Baker (Full or Part time)", "", ""),
        ("(Remote) Clerk", "", ""),
        ("Miller (Senior)", "", ""),
    ],
)
def test_only_a_part_of_a_title_beside_the_role_that_is_a_label_states_one(
    title: str, contract: str, workplace: str
) -> None:
    printed = {LabelKind.CONTRACT: contract, LabelKind.WORKPLACE: workplace}
    assert title_labels(title) == {kind: words for kind, words in printed.items() if words}


def test_a_shift_with_a_number_is_shift_work() -> None:
    assert {canonical(line) for line in ("Shift 3", "2nd shift", "night shift")} == {"Shift work"}
    assert not is_label("Shift Lead 3")
