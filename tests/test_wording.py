from knowledge.wording import fold, is_slug, sentences, slug, squash, title_from_slug, unique


def test_folding_forgets_case_accents_and_punctuation() -> None:
    assert fold("Montréal – Québec") == fold("montreal, QUEBEC")
    assert fold("Straße") == "strasse" and fold("Łódź") == "lodz"


def test_squashing_leaves_one_line() -> None:
    assert squash(" a\u00a0 b\n\u200bc ") == "a b c"


def test_slugs_are_made_known_and_made_readable() -> None:
    assert slug("Senior Engineer – Zürich!") == "senior-engineer-zurich"
    assert slug("…") == "untitled"
    assert is_slug("join-our-team") and not is_slug("Join our team") and not is_slug("jobs")
    assert title_from_slug("join-our_team") == "Join our team"


def test_sentences_are_told_apart() -> None:
    assert sentences("It ends. It includes:") == ["It ends.", "It includes:"]


def test_a_taken_name_gets_a_number() -> None:
    taken: set[str] = set()
    assert [unique("a", taken) for _ in range(3)] == ["a", "a-2", "a-3"]
