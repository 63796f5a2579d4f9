from knowledge.languages import language_of

FRENCH = "Nous cherchons une personne qui aime les bateaux, la mer et les longues nuits de travail en équipe."


def test_what_is_declared_comes_first() -> None:
    assert language_of(FRENCH, "de-AT", "content/en/page.md") == "de"


def test_a_folder_or_ending_names_a_language() -> None:
    assert language_of(FRENCH, path="content/en/page.md") == "en"
    assert language_of("Hi", path="page.de.md") == "de"
    assert language_of("Hi", path="pt-br/page.md") == "pt"


def test_words_decide_where_nothing_is_declared() -> None:
    assert language_of(FRENCH) == "fr"


def test_a_few_words_are_not_guessed_from() -> None:
    assert language_of("Team Lead", path="pages/page.md") == "en"
