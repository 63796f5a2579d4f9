"""Words of titles: disciplines, telling words, capitals and initials."""

from __future__ import annotations

from assistant.title_words import disciplines, exchanged, initials, is_acronym, phrase_key, split_terms


def test_disciplines_are_known_across_languages() -> None:
    assert set(disciplines("Buchhalter")) & set(disciplines("accountant"))
    assert not set(disciplines("Köchin")) & set(disciplines("accountant"))


def test_words_that_say_nothing_are_no_terms_of_a_title() -> None:
    assert split_terms("Head of the Mills and Silos") == ["head", "mill", "silo"]


def test_a_short_word_in_capitals_is_a_name_unless_all_is_in_capitals() -> None:
    assert split_terms("IT Clerk") == ["it", "clerk"]
    assert split_terms("IT CLERK") == ["clerk"]
    assert is_acronym("IT", "IT Clerk") and not is_acronym("IT", "IT CLERK")


def test_neighbouring_words_have_initials() -> None:
    assert {"sre", "srem"} <= set(initials("site reliability engineer, mills"))


def test_a_run_of_words_is_exchanged_wherever_it_stands() -> None:
    key = phrase_key("Oat Miller").split()
    assert exchanged("Is an oat miller paid more than oat-millers?", [key], "opening") == (
        "Is an opening paid more than opening"
    )
