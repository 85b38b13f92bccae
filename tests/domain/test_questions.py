"""How answers are read and marked: numbers as India types them, options that tell nothing, order by seed."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.formula import BadFormula
from elearn.domain.questions import (
    LONGEST_NUMBER,
    Multiple,
    Numeric,
    Option,
    Single,
    UnreadableAnswer,
    filled_in,
    number_in,
    option_value,
)

SEED = "a-seed"


def options(*texts: str, right: tuple[int, ...] = (0,)) -> tuple[Option, ...]:
    return tuple(Option({"en": text}, {}, i in right) for i, text in enumerate(texts))


def single(*texts: str, right: int = 0) -> Single:
    return Single(id="q", stem={}, explanation={}, options=options(*texts, right=(right,)))


def multiple(*texts: str, right: tuple[int, ...]) -> Multiple:
    return Multiple(id="q", stem={}, explanation={}, options=options(*texts, right=right))


def numeric(answer: str, tolerance: str = "0") -> Numeric:
    return Numeric(id="q", stem={}, explanation={}, answer=Decimal(answer), tolerance=Decimal(tolerance))


def sent(seed: str, *indices: int) -> list[str]:
    return [option_value(seed, "q", i) for i in indices]


# Numbers


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("490", "490"),
        ("4,70,000", "470000"),
        ("470,000", "470000"),
        ("4 70 000", "470000"),
        ("4\u00a070\u00a0000", "470000"),
        ("26.9 %", "26.9"),
        ("26.9%", "26.9"),
        ("₹ 4,70,000", "470000"),
        ("₹-500.50", "-500.50"),
        ("  12  ", "12"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("−3", "-3"),  # the sign that phones and word processors put in place of a hyphen
        ("४,७०,०००", "470000"),  # Devanagari
        ("२६.९ %", "26.9"),
        ("৪৭০", "470"),  # Bengali
        ("꯴꯷꯰", "470"),  # Meetei Mayek
        ("４７０", "470"),  # full width
    ],
)
def test_a_number_is_read_as_india_types_it(typed: str, meant: str) -> None:
    assert number_in(typed) == Decimal(meant)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "about 490",
        "4.9.0",
        "4-9",
        "1e3",
        "0x1F",
        "NaN",
        "Infinity",
        "1/2",
        "%",
        "₹",
        ",",
        ".",
        "-",
        "--5",
        "+-5",
        "10²",  # ten squared is not 102
        "①②",  # circled digits are ornaments
        "1\x000",
        "५ लाख",
        "9" * (LONGEST_NUMBER + 1),
    ],
)
def test_what_is_no_number_is_refused_by_name(typed: str) -> None:
    with pytest.raises(UnreadableAnswer) as refused:
        number_in(typed)
    assert refused.value.code == "not-a-number"


@given(st.integers(min_value=0, max_value=10**13), st.sampled_from("०০꯰０"))
def test_every_script_counts_alike(number: int, zero: str) -> None:
    in_script = "".join(chr(ord(zero) + int(digit)) for digit in str(number))
    assert number_in(in_script) == number_in(f"{number:,}") == number


@given(st.text(max_size=LONGEST_NUMBER + 5))
def test_any_text_is_a_number_or_is_refused(typed: str) -> None:
    with suppress(UnreadableAnswer):
        assert number_in(typed).is_finite()


def test_a_numeric_answer_is_right_within_its_tolerance() -> None:
    question = numeric("26.9", "0.5")
    for typed in ("26.9", "26.4", "27.4", "२६.९ %"):
        assert question.is_right(question.read([typed], SEED)), typed
    for typed in ("26.39", "27.41", "-26.9", "0"):
        assert not question.is_right(question.read([typed], SEED)), typed


def test_a_numeric_answer_needs_no_binary_luck() -> None:
    question = numeric("0.3")
    assert question.is_right(question.read(["0.30"], SEED))
    assert not question.is_right(str(0.1 + 0.2))


def test_an_empty_field_is_no_answer() -> None:
    for values in ([], [""], ["   "]):
        assert numeric("5").read(values, SEED) is None
    assert not numeric("0").is_right(None)


def test_two_numbers_are_refused() -> None:
    with pytest.raises(UnreadableAnswer) as refused:
        numeric("5").read(["5", "6"], SEED)
    assert refused.value.code == "one-number"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_a_kept_number_reads_back_as_itself(number: Decimal) -> None:
    kept = numeric("0").read([f"{number:f}"], SEED)
    assert isinstance(kept, str)
    assert numeric(str(number)).is_right(kept)


# Choices


def test_the_right_option_is_right_and_only_it() -> None:
    question = single("an estimate", "a decision", "a law", right=1)
    assert [question.is_right(question.read(sent(SEED, i), SEED)) for i in range(3)] == [False, True, False]
    assert not question.is_right(question.read([], SEED))


def test_several_are_right_only_when_exactly_these_are_named() -> None:
    question = multiple("a", "b", "c", "d", right=(0, 2))
    assert question.is_right(question.read(sent(SEED, 2, 0), SEED))
    for wrong in ((0,), (2,), (0, 1), (0, 2, 3), (0, 1, 2, 3), ()):
        assert not question.is_right(question.read(sent(SEED, *wrong), SEED)), wrong


def test_two_choices_where_one_is_asked_are_refused() -> None:
    with pytest.raises(UnreadableAnswer) as refused:
        single("a", "b").read(sent(SEED, 0, 1), SEED)
    assert refused.value.code == "choose-one"


@pytest.mark.parametrize("value", ["0", "1", "", "a", option_value("another-seed", "q", 0), option_value(SEED, "p", 0)])
def test_a_value_that_was_not_offered_is_refused(value: str) -> None:
    for question in (single("a", "b"), multiple("a", "b", right=(0, 1))):
        with pytest.raises(UnreadableAnswer) as refused:
            question.read([value], SEED)
        assert refused.value.code == "no-such-option"


words = st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=8), min_size=2, max_size=9)
seeds = st.text(max_size=20)


@given(words, seeds, st.data())
def test_any_subset_reads_back_as_it_was_offered(texts: list[str], seed: str, data: st.DataObject) -> None:
    question = multiple(*texts, right=(0,))
    offered = question.offered(seed)
    assert sorted(i for _, i in offered) == list(range(len(texts)))
    assert len({value for value, _ in offered}) == len(texts)
    chosen = data.draw(st.lists(st.sampled_from(offered)))
    read = question.read([value for value, _ in chosen], seed)
    assert read == (tuple(sorted({i for _, i in chosen})) or None)


@given(words, seeds)
def test_the_order_is_the_same_whenever_the_page_is_opened(texts: list[str], seed: str) -> None:
    assert multiple(*texts, right=(0,)).offered(seed) == multiple(*texts, right=(1,)).offered(seed)


def test_seeds_change_values_and_order() -> None:
    question = single("a", "b", "c", "d", right=0)
    offers = [question.offered(f"seed-{n}") for n in range(40)]
    assert len({value for offer in offers for value, _ in offer}) == 40 * 4
    assert len({tuple(i for _, i in offer) for offer in offers}) > 10
    # Wherever the right option stands for one officer, it stands elsewhere for the next.
    assert {[i for _, i in offer].index(0) for offer in offers} == {0, 1, 2, 3}


def test_values_sorted_by_name_do_not_give_the_authors_order_away() -> None:
    question = single("a", "b", "c", "d", right=0)
    smallest = [min(question.offered(f"seed-{n}"))[1] for n in range(40)]
    assert set(smallest) == {0, 1, 2, 3}


def test_an_unshuffled_offer_keeps_the_authors_order() -> None:
    assert [i for _, i in single("a", "b", "c").offered(SEED, shuffled=False)] == [0, 1, 2]


@pytest.mark.parametrize(
    "texts",
    [
        ("67", "490", "9,800"),
        ("10 %", "26.9 %", "95 %"),
        ("<p>₹ 500</p>", "<p>₹ 4,70,000</p>"),
        ("₹&nbsp;500", "&lt; 4,70,000"),
        ("५", "१०"),
    ],
)
def test_numbers_stay_ascending_whatever_the_seed(texts: tuple[str, ...]) -> None:
    for n in range(20):
        assert [i for _, i in single(*texts).offered(f"seed-{n}")] == list(range(len(texts)))


def test_words_with_numbers_in_them_are_shuffled() -> None:
    texts = ("67 families", "490 families", "9,800 families", "none")
    assert len({tuple(i for _, i in single(*texts).offered(f"seed-{n}")) for n in range(40)}) > 10


# Numbers that vary

VARIED = Numeric(
    id="caught",
    stem={"en": "In {files} files {rate} % are ineligible. How many?", "hi": "{files} फ़ाइलों में {rate} %?"},
    explanation={"en": "{files} × {rate} % = {= files × rate ÷ 100}"},
    answer=Decimal(100),
    tolerance=Decimal(1),
    formula="files × rate ÷ 100",
    vary={"files": (Decimal(10000), Decimal(120000)), "rate": (Decimal(1), Decimal(2), Decimal(5))},
)


def test_an_attempt_asks_with_its_own_numbers_and_their_key() -> None:
    posed = [VARIED.posed(f"seed-{n}") for n in range(60)]
    assert len({one.stem["en"] for one in posed}) == 6
    for one in posed:
        files, rate = (Decimal(n.replace(",", "")) for n in re.findall(r"[\d,]+\d|\d", one.stem["en"]))
        assert one.answer == files * rate / 100
        assert one.is_right(str(one.answer))
        assert not one.is_right(str(one.answer + 2))
        assert one.stem["hi"].split()[0] == one.stem["en"].split()[1]
        assert (one.formula, one.vary) == ("", {})
    assert "1,20,000" in {one.stem["en"].split()[1] for one in posed}


def test_the_same_seed_asks_the_same_again_and_a_posed_question_stays() -> None:
    assert VARIED.posed("seed") == VARIED.posed("seed")
    assert VARIED.posed("seed").posed("other") == VARIED.posed("seed")


def test_a_text_that_names_what_does_not_vary_is_refused() -> None:
    with pytest.raises(BadFormula):
        filled_in("{people}", {})
