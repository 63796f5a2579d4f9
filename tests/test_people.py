import pytest

from knowledge.people import Voice, looks_like_name, take_voices
from knowledge.printed_facts import Line


def voices_of(text: str) -> list[Voice]:
    lines, gap = [], False
    for line in text.splitlines():
        if line.strip():
            lines.append(Line(line.strip(), gap))
        gap = not line.strip()
    return take_voices(lines)[0]


WORDS = "I like the quiet at four in the morning."


@pytest.mark.parametrize(
    "marks", ['""', "“”", "„“", "„”", "«»", "»«", "״״", '“"', '"”', "‘’", "「」"], ids=lambda marks: marks
)
def test_marks_of_every_kind_open_and_close(marks: str) -> None:
    assert voices_of(f"{marks[0]}{WORDS}{marks[1]}\nAda Moss\nHead Baker") == [
        Voice(WORDS, "Ada Moss, Head Baker")
    ]


@pytest.mark.parametrize(
    "page",
    [
        f"“{WORDS}”\nAda Moss\nHead Baker\nBakery",
        f"Bakery\n“{WORDS}”\nAda Moss\nHead Baker",
        f"Ada Moss\nHead Baker\nBakery\n“{WORDS}”",
        f"“{WORDS}”\nHead Baker\nAda Moss\nBakery",
        f"“{WORDS}”\n\nAda Moss\n\nHead Baker\n\nBakery Team\n",
        f"“{WORDS}” — Ada Moss, Head Baker, Bakery",
    ],
)
def test_name_role_and_team_stand_in_any_order(page: str) -> None:
    (voice,) = voices_of(page)
    assert voice.text == WORDS
    assert voice.speaker.startswith("Ada Moss, Head Baker, Bakery")


def test_a_quotation_over_several_lines_is_one() -> None:
    (voice,) = voices_of("“I like the quiet.\nI bake for the whole street.”\nAda Moss")
    assert voice.text == "I like the quiet. I bake for the whole street."


def test_a_sentence_that_only_begins_with_a_mark_is_no_quotation() -> None:
    assert (
        voices_of('"Boosters" are what we call workshops here, and everybody holds one a year.\nNext thing')
        == []
    )


@pytest.mark.parametrize(
    "line", ["Ada Moss", "Ludwig van der Berg", "Gediminas Kriščeliūnas", "J. R. Hartley"]
)
def test_names_look_like_names(line: str) -> None:
    assert looks_like_name(line)


@pytest.mark.parametrize(
    "line", ["Head Baker", "Data Platform", "we bake", "Open positions", "Ada Moss bakes bread here"]
)
def test_roles_teams_and_words_do_not(line: str) -> None:
    assert not looks_like_name(line)
