"""Lab 5 (a): the model counts as it says, the text settles its facts once each, and only offered words are read."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from elearn.domain.labs import LABS, BadChoices, Run
from elearn.domain.labs.next_word import (
    COUNTED,
    DATA,
    LANGUAGES,
    LONGEST,
    MODELS,
    OPENINGS,
    PAGE,
    SCRIPTS,
    TEXTS,
    WORDS,
    percent_text,
)
from elearn.domain.labs.trigrams import MOST, WEIGHTS, Model, cut, drawn, is_whole, joined, shares

LAB = LABS["next-word"]

# Words attested in a public Meetei Mayek interface translation; nothing else in that script may be shown.
ATTESTED = {"help": "ꯃꯇꯦꯡ", "search": "ꯊꯤꯕꯥ", "file": "ꯐꯥꯏꯜ", "message": "ꯄꯥꯎꯖꯦꯜ", "page": "ꯂꯃꯥꯏ"}


def ranks(language: str, opening: str, words: str) -> list[int]:
    """The ranks at which the model offers these words."""
    so_far, found = OPENINGS[language][opening].split(), []
    for word in words.split():
        found.append([each for each, _ in MODELS[language].after(so_far)[1]].index(word))
        so_far.append(word)
    return found


def choices(words: str = "", opening: str = "leave", language: str = "en", **given: Any) -> dict[str, Any]:
    made = {"part": "sentence", "language": language, "opening": opening, "words": ranks(language, opening, words)}
    return {**made, "temperature": "1", "draw": 1, "write": False, **given}


def ran(words: str = "", **given: Any) -> Run:
    made = choices(words, **given)
    return made, LAB.run(made)


def wrote(temperature: str, draw: int, **given: Any) -> Run:
    return ran(temperature=temperature, draw=draw, write=True, **given)


def counted(en: int, hi: int, mni: int) -> Run:
    made = {"part": "bytes", "language": "en", "bytes": {"en": en, "hi": hi, "mni": mni}}
    return made, LAB.run(made)


def form(after: str = "", /, **given: str | None) -> dict[str, list[str]]:
    """The form as a browser sends it, with fields added, changed or (None) left out."""
    fields: dict[str, str | None] = {**LAB.fields(choices(after)), **given}
    return {"csrf_token": ["t" * 90], **{name: [value] for name, value in fields.items() if value is not None}}


# The text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_is_office_prose_in_one_form(language: str) -> None:
    text = TEXTS[language]
    assert 1_400 <= sum(len(words) - 1 for words in text.words) <= 1_600
    assert len(set(text.sentences)) == len(text.sentences)
    end = {"en": ".", "hi": "।"}[language]
    for sentence in text.sentences:
        assert unicodedata.is_normalized("NFC", sentence)
        assert re.fullmatch(rf"[^\s{end}]+( [^\s{end}]+)*{re.escape(end)}", sentence), sentence
        assert not set(sentence) & set(",;:!?()“”\u200c\u200d"), sentence
        assert joined(cut(sentence)) == sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_fact_is_settled_once(language: str) -> None:
    text = TEXTS[language]
    begins = [text.words[fact.sentence][: fact.start] for fact in text.facts]
    assert len(set(begins)) == len(begins) == 30
    # Nothing else in the text may name a value after the same beginning.
    for fact, begin in zip(text.facts, begins, strict=True):
        assert [words for words in text.words if words[: fact.start] == begin] == [text.words[fact.sentence]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_of_a_kind_part_at_their_first_word_and_are_all_offered(language: str) -> None:
    text = TEXTS[language]
    kinds = Counter(fact.kind for fact in text.facts)
    assert set(kinds) == {"place", "years", "day", "limit", "fee", "officer"}
    for fact in text.facts:
        offered = {word for word, _ in MODELS[language].after(text.words[fact.sentence][: fact.start])[1]}
        values = {text.value(other)[0] for other in text.facts if other.kind == fact.kind}
        assert len(values) == kinds[fact.kind]
        assert values <= offered


@pytest.mark.parametrize("language", LANGUAGES)
def test_openings_come_from_the_text_but_for_the_two_that_do_not(language: str) -> None:
    known = MODELS[language].followers
    unknown = {name for name, line in OPENINGS[language].items() if set(line.split()) - set(known)}
    assert unknown == {"flood", "drone"}
    assert LAB.view(language, [])["unknown_openings"] == ["flood", "drone"]
    for name in set(OPENINGS[language]) - unknown - {"blank"}:
        opening = OPENINGS[language][name].split()
        assert any(list(words[: len(opening)]) == opening for words in TEXTS[language].words)


def test_every_sentence_is_there_in_both_languages_with_the_same_places() -> None:
    for code, sentence in DATA["words"].items():
        assert set(sentence) == set(LANGUAGES), code
        places = [set(re.findall(r"\{(\w+)\}", sentence[language])) for language in LANGUAGES]
        assert places[0] == places[1], code


# The words in three scripts


@pytest.mark.parametrize(
    ("word", "signs", "size"),
    [
        (SCRIPTS["help"]["en"], 4, 4),
        (SCRIPTS["help"]["hi"], 3, 9),
        (SCRIPTS["help"]["mni"], 4, 12),
        (PAGE["en"], 4, 4),
        (PAGE["hi"], 5, 15),
        (PAGE["mni"], 4, 12),
        (SCRIPTS["ai"]["en"], 23, 23),
        (SCRIPTS["ai"]["hi"], 19, 55),
    ],
)
def test_words_take_the_bytes_that_the_course_tells(word: str, signs: int, size: int) -> None:
    assert (len(word), len(word.encode())) == (signs, size)


def test_only_attested_words_stand_in_meetei_mayek() -> None:
    assert {row["id"]: row["mni"] for row in DATA["scripts"] if row["mni"]} == ATTESTED
    assert set(re.findall(r"[\uaae0-\uaaf6\uabc0-\uabff]+", json.dumps(DATA, ensure_ascii=False))) == set(
        ATTESTED.values()
    )


def test_signs_are_told_with_their_bytes_and_a_mark_is_not_left_alone() -> None:
    page = LAB.view("en", [])["page"]
    assert [(row["word"], [each["sign"] for each in row["signs"]]) for row in page] == [
        ("page", ["p", "a", "g", "e"]),
        ("पृष्ठ", ["प", "\u25ccृ", "ष", "\u25cc्", "ठ"]),
        ("ꯂꯃꯥꯏ", ["ꯂ", "ꯃ", "\u25ccꯥ", "ꯏ"]),
    ]
    assert [sum(each["bytes"] for each in row["signs"]) for row in page] == [4, 15, 12]


# The model

SMALL = Model([cut(line) for line in ("The cat sits.", "The cat runs.", "A cat sits.", "A dog runs.")])


def test_the_model_looks_at_two_words_then_one_then_none() -> None:
    assert SMALL.after([]) == (2, [("the", 2), ("a", 2)])
    assert SMALL.after(["the"]) == (2, [("cat", 2)])
    assert SMALL.after(["the", "cat"]) == (2, [("sits", 1), ("runs", 1)])
    assert SMALL.after(["the", "dog"]) == (1, [("runs", 1)])
    # Anywhere, but for the end: a sentence does not stop after a word that was never met.
    assert SMALL.after(["the", "horse"]) == (
        0,
        [("cat", 3), ("the", 2), ("sits", 2), ("runs", 2), ("a", 2), ("dog", 1)],
    )


def test_only_the_likeliest_words_are_kept_and_the_earlier_of_equals_first() -> None:
    model = Model([cut(f"We see w{number}.") for number in range(20)] + [cut("We see w19.")])
    assert [word for word, _ in model.after(["we", "see"])[1]] == ["w19", *(f"w{number}" for number in range(MOST - 1))]


def test_temperature_sharpens_or_flattens() -> None:
    assert shares([3, 1], "0.5") == [0.9, 0.1]
    assert shares([3, 1], "1") == [0.75, 0.25]
    assert shares([9, 1], "2") == [0.75, 0.25]
    for temperature in WEIGHTS:
        assert sum(shares([5, 3, 1, 1], temperature)) == pytest.approx(1)


def test_a_lot_falls_on_words_by_their_shares() -> None:
    assert [drawn([3, 1], "1", lot) for lot in (0.0, 0.7499, 0.75, 0.9999)] == [0, 0, 1, 1]
    assert drawn([1] * 10, "1", 1.0) == 9  # shares added up may stay a little below 1


# What a sentence is


@pytest.mark.parametrize(
    ("opening", "words", "verdict"),
    [
        ("leave", "", "open"),
        ("leave", "is kept in the strong room", "open"),
        ("leave", "is kept in the record room .", "copied"),
        ("leave", "is kept in the strong room .", "false"),
        ("leave", "is kept in the record room for good .", "new"),
        ("leave", "is kept for 3 years .", "new"),
        ("cash", "is kept for 3 years .", "false"),
        ("cash", "is kept for 10 years .", "copied"),
        ("cash", "is kept in the record room .", "false"),
        ("report", "is sent on the fifth of each month .", "false"),
        ("limit", "grievance is set at 30 days .", "false"),
        ("bill", "is passed by the circle officer .", "false"),
        ("fee", "the office takes a fee of 50 rupees .", "false"),
        ("fee", "is set at 30 days .", "new"),
        ("flood", "is kept in the record room .", "invented"),
        ("drone", "is kept in the record room .", "invented"),
        ("blank", "the cash counter .", "new"),
    ],
)
def test_a_sentence_is_measured_by_the_text(opening: str, words: str, verdict: str) -> None:
    assert ran(words, opening=opening)[1]["verdict"] == verdict


@pytest.mark.parametrize(
    ("opening", "words", "verdict"),
    [
        ("leave", "ज़िला कार्यालय के कोष कक्ष में रखा जाता है ।", "false"),
        ("leave", "ज़िला कार्यालय के अभिलेख कक्ष में रखा जाता है ।", "copied"),
        ("leave", "ज़िला कार्यालय के कोष कक्ष में रहती है ।", "new"),
        ("cash", "आख़िरी प्रविष्टि के बाद 3 साल तक सँभाला जाता है ।", "false"),
        ("report", "हर महीने की 5 तारीख़ को भेजी जाती है ।", "false"),
        ("limit", "तय समय-सीमा 30 दिन है ।", "false"),
        ("limit", "कार्यालय का शुल्क 50 रुपये है ।", "new"),
        ("bill", "अंतिम निर्णय क्रय समिति लेती है ।", "false"),
        ("fee", "के लिए कार्यालय का शुल्क 50 रुपये है ।", "false"),
        ("flood", "तय समय तक सँभाला जाता है ।", "invented"),
    ],
)
def test_a_hindi_sentence_is_measured_by_its_own_text(opening: str, words: str, verdict: str) -> None:
    assert ran(words, opening=opening, language="hi")[1]["verdict"] == verdict


@pytest.mark.parametrize("language", LANGUAGES)
def test_any_two_true_sentences_of_a_kind_join_into_a_false_one(language: str) -> None:
    text = TEXTS[language]
    for fact in text.facts:
        for other in text.facts:
            mixed = text.words[fact.sentence][: fact.start] + text.value(other)
            whole = [mixed + text.words[each.sentence][each.end :] for each in (fact, other)]
            found = [text.contradicted(words) for words in whole]
            if other.kind == fact.kind and other != fact:
                assert found == [(fact, text.value(other)[0])] * 2
            elif other == fact:
                assert found == [None, None]


def test_the_false_sentence_tells_what_it_goes_against_and_that_likely_is_not_true() -> None:
    figures = LAB.run(
        {
            **choices(),
            "words": ranks("en", "blank", "the letter register is kept in the record room ."),
            "opening": "blank",
        }
    )
    said = figures["against"]
    assert TEXTS["en"].sentences[figures["sentence"] - 1] == "The letter register is kept in the despatch section."
    assert (said["said"], said["true"]) == ("record", "despatch")
    assert said["said_share"] > 2 * said["true_share"] > 0


def test_figures_tell_each_step_and_what_may_follow_the_officers_own_words() -> None:
    made, figures = ran("is kept", draw=3, write=True, temperature="2")
    assert figures["words"][:5] == ["the", "leave", "register", "is", "kept"]
    assert figures["own"] == 5
    assert [step["word"] for step in figures["steps"]] == figures["words"][3:]
    assert {step["level"] for step in figures["steps"]} == {2}
    assert figures["next"][0]["word"] == "in"
    assert figures["bytes"] == len(joined(figures["words"]).encode())
    assert json.loads(json.dumps([made, figures])) == [made, figures]
    assert LAB.run(made) == figures


def test_the_model_says_when_it_had_to_look_at_less() -> None:
    flood, drone = (ran("is", opening=opening)[1]["steps"][0]["level"] for opening in ("flood", "drone"))
    assert (flood, drone) == (1, 0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("temperature", WEIGHTS)
def test_it_comes_to_an_end_and_the_same_draw_writes_the_same(language: str, temperature: str) -> None:
    for opening in OPENINGS[language]:
        for draw in range(1, 21):
            made = choices(opening=opening, language=language, temperature=temperature, draw=draw, write=True)
            words = LAB.run(made)["words"]
            assert is_whole(words) or len(words) == LONGEST
            assert LAB.run(made)["words"] == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_low_temperature_copies_more_and_a_high_one_says_more_that_is_new(language: str) -> None:
    """What the officer is to see: twenty draws after "The leave register"."""
    likeliest = {}
    for temperature in WEIGHTS:
        sentences = [wrote(temperature, draw, language=language)[1]["words"] for draw in range(1, 21)]
        likeliest[temperature] = len({tuple(words) for words in sentences})
    assert likeliest["0.5"] < likeliest["2"]


# Reading a form


def test_a_form_is_read_with_the_button_that_was_pressed() -> None:
    assert LAB.read(form("is kept")) == choices("is kept")
    assert LAB.read(form("is kept", next="0")) == choices("is kept in")
    assert LAB.read(form("is kept", go="back")) == choices("is")
    assert LAB.read(form("", go="back")) == choices("")
    assert LAB.read(form("is kept", go="begin")) == choices("")
    assert LAB.read(form("is kept", go="write")) == choices("is kept", write=True)
    assert LAB.read(form("is kept", go="", begun=None)) == choices("is kept")


@pytest.mark.parametrize("pressed", [{"next": "1"}, {"go": "write"}, {}])
def test_another_beginning_starts_a_new_sentence(pressed: Mapping[str, str]) -> None:
    made = LAB.read(form("is kept", opening="cash", **pressed))
    assert (made["opening"], made["words"]) == ("cash", [])
    assert made["write"] == ("go" in pressed)


def test_counted_bytes_are_read() -> None:
    made, figures = counted(4, 15, 12)
    assert LAB.read({name: [value] for name, value in LAB.fields(made).items()}) == made
    assert figures == {"right": ["en", "hi", "mni"], "all": True}
    assert counted(4, 12, 4)[1] == {"right": ["en"], "all": False}


HUGE = "x" * 10_000_000
WHOLE = "is kept in the record room ."
BYTES_FORM = {"part": ["bytes"], "language": ["en"], "bytes-en": ["4"], "bytes-hi": ["15"], "bytes-mni": ["12"]}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "missing-choice"),
        (form(part=None), "missing-choice"),
        (form(part="essay"), "not-possible"),
        (form(language=None), "missing-choice"),
        (form(language="mni-Mtei"), "not-possible"),
        (form(opening=None), "missing-choice"),
        (form(opening="police"), "not-possible"),
        (form(begun="police"), "not-possible"),
        (form(temperature=None), "missing-choice"),
        (form(temperature="0.7"), "not-possible"),
        (form(draw="0"), "not-possible"),
        (form(draw="21"), "not-possible"),
        (form(draw="१"), "not-possible"),
        (form(draw=None), "missing-choice"),
        (form(go="sing"), "not-possible"),
        (form(next="12"), "not-possible"),
        (form(next="-1"), "not-possible"),
        (form("is", next="11"), "not-possible"),
        (form("is", next="0", go="write"), "two-buttons"),
        (form(WHOLE, next="0"), "not-possible"),
        (form(words="0.0.11"), "not-possible"),
        (form(words="-1"), "not-possible"),
        (form(words="0..0"), "not-possible"),
        (form(words="0.0\n"), "not-possible"),
        (form(words="०"), "not-possible"),
        (form(words="kept in the"), "not-possible"),
        (form(words=".".join(["0"] * 31)), "not-possible"),
        (form(words=HUGE), "not-possible"),
        (form(words="0." * 5_000_000 + "0"), "not-possible"),
        (form() | {"words": ["0", "0"]}, "given-twice"),
        (form() | {"next": ["0", "0"]}, "given-twice"),
        (form(next=HUGE), "not-possible"),
        (BYTES_FORM | {"bytes-hi": [""]}, "missing-count"),
        ({k: v for k, v in BYTES_FORM.items() if k != "bytes-mni"}, "missing-count"),
        (BYTES_FORM | {"bytes-en": ["5000"]}, "not-possible"),
        (BYTES_FORM | {"bytes-en": ["4", "4"]}, "given-twice"),
    ],
)
def test_what_nobody_could_have_chosen_is_refused_by_name(sent: Mapping[str, Sequence[str]], code: str) -> None:
    with pytest.raises(BadChoices) as refused:
        LAB.read(sent)
    assert refused.value.code == code
    assert len(str(refused.value)) < 200
    for language in LANGUAGES:
        assert 10 < len(LAB.refusal(language, refused.value)) < 200


# The result


CAREFUL, BOLD, MIDDLE = wrote("0.5", 1), wrote("2", 1), wrote("1", 1)
TWINS = next(
    (one, two)
    for draw in range(1, 21)
    for one, two in [(wrote("0.5", draw, opening="bill"), wrote("2", draw, opening="bill"))]
    if one[1]["words"] == two[1]["words"]
)
FALSE, COPIED, NEW = ran("is kept in the strong room ."), ran(WHOLE), ran("is kept for 3 years .")
INVENTED, OPEN = ran("is kept in the record room .", opening="flood"), ran("is kept")
COUNTED_RIGHT, MISCOUNTED = counted(4, 15, 12), counted(4, 12, 4)


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([], ("no-write", "no-sentence", "no-count")),
        ([OPEN], ("no-write", "no-sentence", "no-count")),
        ([COPIED], ("no-write", "copied", "no-count")),
        ([NEW, COUNTED_RIGHT], ("no-write", "new", "")),
        ([COPIED, INVENTED, OPEN], ("no-write", "invented", "no-count")),
        ([FALSE, COPIED], ("no-write", "", "no-count")),
        ([MISCOUNTED], ("no-write", "no-sentence", "miscounted")),
        ([COUNTED_RIGHT, MISCOUNTED], ("no-write", "no-sentence", "")),
        ([CAREFUL], ("other-temperature", "new", "no-count")),
        ([CAREFUL, MIDDLE], ("other-temperature", "new", "no-count")),
        ([CAREFUL, wrote("2", 5), FALSE], ("other-temperature", "", "no-count")),
        ([CAREFUL, wrote("2", 1, opening="limit"), FALSE], ("other-temperature", "", "no-count")),
        ([*TWINS, FALSE], ("same-sentence", "", "no-count")),
        ([*TWINS, CAREFUL, FALSE], ("other-temperature", "", "no-count")),
        ([BOLD, FALSE, CAREFUL], ("", "", "no-count")),
        ([CAREFUL, BOLD, FALSE, COUNTED_RIGHT], ("", "", "")),
        ([COUNTED_RIGHT, FALSE, BOLD, COPIED, CAREFUL, OPEN], ("", "", "")),
    ],
)
def test_what_is_still_to_do_follows_from_the_runs(runs: list[Run], why: tuple[str, str, str]) -> None:
    for language in LANGUAGES:
        tasks = LAB.todo(language, runs)
        assert {task["code"]: task["why"] for task in tasks} == dict(
            zip(("temperature", "false", "bytes"), why, strict=True)
        )
        assert all(task["text"] and bool(task["why_text"]) == bool(task["why"]) for task in tasks)
        assert all("{" not in task["why_text"] for task in tasks)
        assert [task["state"] for task in tasks] == ["missing" if reason else "met" for reason in why]
    assert LAB.reached(runs) == (not any(why))


def test_a_false_sentence_written_by_the_machine_counts_too() -> None:
    draw = next(draw for draw in range(1, 21) if wrote("1", draw)[1]["verdict"] == "false")
    assert LAB.todo("en", [wrote("1", draw)])[1]["state"] == "met"


def test_it_is_told_which_temperature_and_which_words_are_missing() -> None:
    tasks = {task["code"]: task["why_text"] for task in LAB.todo("en", [wrote("2", 7), MISCOUNTED])}
    assert tasks["temperature"] == "Last time it wrote at 2 with draw 7. Keep all else and take 0.5."
    assert tasks["bytes"] == "Count again: पृष्ठ, ꯂꯃꯥꯏ."


# What the page is given


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_view_holds_everything_in_one_language(language: str) -> None:
    view = LAB.view(language, [])
    assert (view["language"], view["sentence"], view["runs"], view["reached"]) == (language, "", [], False)
    assert (view["choices"]["opening"], view["verdict"]["code"]) == ("blank", "open")
    assert len(view["next"]) == 7 if language == "en" else MOST
    assert sum(len(sentences) for _, sentences in view["sections"]) == len(view["data"]["text"])
    assert view["looked"] == WORDS[language]["looked_start"]
    assert len(json.dumps(view["data"])) < 70_000


def test_the_view_goes_on_from_the_latest_sentence() -> None:
    view = LAB.view("en", [CAREFUL, FALSE, MISCOUNTED])
    assert view["sentence"] == "The leave register is kept in the strong room."
    assert view["verdict"]["text"] == (
        "Sentence 2 of the text says: “The leave register is kept in the record room.” At this turn, as counted, "
        "the model gave “strong” 14\u00a0% and the true “record” 19\u00a0%."
    )
    assert (view["next"], view["looked"]) == ([], WORDS["en"]["ended"])
    assert [row["verdict"] for row in view["runs"]] == ["New", "Fluent and false"]
    assert view["guesses"] == MISCOUNTED[0]["bytes"]
    assert view["guessed_right"] == ["en"]
    assert view["data"]["latest"] == FALSE[0]


@pytest.mark.parametrize(
    ("opening", "words", "looked"),
    [
        ("blank", "", "The model looked at how the sentences of the text begin."),
        ("blank", "the", "The model looked at sentences that begin with “the”."),
        ("leave", "", "The model looked at what followed “leave register” in the text."),
        ("flood", "", "It never met the last two words together, so it looked at what followed “register” alone."),
        ("drone", "", "It never met “drone” at all, so it took the commonest words of the text."),
    ],
)
def test_the_page_says_what_the_model_looked_at(opening: str, words: str, looked: str) -> None:
    assert LAB.view("en", [ran(words, opening=opening)])["looked"] == looked


def test_a_sentence_of_30_words_goes_no_further() -> None:
    made = next(
        choices(opening=opening, temperature="2", draw=draw, write=True)
        for opening in OPENINGS["en"]
        for draw in range(1, 21)
        if not is_whole(wrote("2", draw, opening=opening)[1]["words"])
    )
    words = LAB.run(made)["words"]
    opening = OPENINGS["en"][made["opening"]]
    long = ran(" ".join(words).removeprefix(opening), opening=made["opening"])
    assert long[1]["next"] == []
    assert LAB.view("en", [long])["looked"] == WORDS["en"]["too_long"]
    with pytest.raises(BadChoices):
        LAB.read({name: [value] for name, value in LAB.fields(long[0]).items()} | {"next": ["0"]})


def test_another_languages_sentences_are_listed_but_not_gone_on_from() -> None:
    view = LAB.view("hi", [FALSE])
    assert (view["sentence"], view["data"]["latest"]) == ("", None)
    assert [(row["language"], row["verdict"]) for row in view["runs"]] == [("en", "सहज, पर ग़लत")]


def test_a_reader_of_a_third_language_is_given_english() -> None:
    assert LAB.view("mni-Mtei", [FALSE])["sentence"] == LAB.view("en", [FALSE])["sentence"]


def test_only_the_latest_sentences_are_listed() -> None:
    rows = LAB.view("en", [OPEN, *[FALSE] * 30])["runs"]
    assert [row["number"] for row in rows] == list(range(21, 31))


def test_shares_are_rounded_down() -> None:
    assert [percent_text(share) for share in (0.0, 0.009, 0.01, 0.996, 1.0)] == [
        f"{text}\u00a0%" for text in ("<1", "<1", "1", "99", "100")
    ]


def test_the_temperature_in_between_is_the_one_that_leaves_counts_alone() -> None:
    assert shares([2, 2, 4], COUNTED) == [0.25, 0.25, 0.5]
