"""What trainers may write in course.yaml, glossary.yaml, facts.yaml and at the head of each Markdown file."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from elearn.authoring.yaml_source import Path, YamlSource

LEVELS = ("recall", "explain", "classify", "compare", "calculate", "apply", "analyse", "evaluate", "design")

_TAG_LIKE = re.compile(r"<[a-zA-Z/!?]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_DOTTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}")
_WEB = re.compile(r"https?://[^\s/<>\"']+[^\s<>\"']*")


def is_id(text: str) -> bool:
    """Small Latin letters, digits and hyphens: safe in addresses, file names and HTML."""
    return bool(_ID.fullmatch(text))


def _plain(text: str) -> str:
    # Shown as text, never as HTML; refused as well, so that one forgotten escape in a page does no harm.
    if _TAG_LIKE.search(text):
        raise PydanticCustomError("markup-in-plain-text", "{value}", {"value": text})
    return text


def _matching(pattern: re.Pattern[str], code: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise PydanticCustomError(code, "{value}", {"value": text})
        return text

    return AfterValidator(check)


def _day(value: object) -> object:
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise PydanticCustomError("date_type", "not a date")
    return value


def _nothing_is_empty(value: object) -> object:
    return "" if value is None else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000), AfterValidator(_plain)]
MaybeText = Annotated[
    str, BeforeValidator(_nothing_is_empty), StringConstraints(strip_whitespace=True), AfterValidator(_plain)
]
Id = Annotated[str, _matching(_ID, "bad-id")]
Dotted = Annotated[str, _matching(_DOTTED, "bad-id")]
Language = Annotated[str, _matching(_LANGUAGE, "bad-language")]
ANY_LANGUAGE = "*"
Web = Annotated[str, _matching(_WEB, "web-address")]
Day = Annotated[date, BeforeValidator(_day)]
Percent = Annotated[int, Field(ge=0, le=100)]
Texts = dict[Language, Text]
"""Plain words by language tag."""
SameOrTexts = Annotated[
    dict[Annotated[str, _matching(re.compile(rf"\*|{_LANGUAGE.pattern}"), "bad-language")], Text],
    BeforeValidator(lambda value: {ANY_LANGUAGE: value} if isinstance(value, str) else value),
]
"""Plain words by language tag, or the same for every language under `*`."""


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RulesSource(_Source):
    """How a quiz is drawn and passed."""

    draw: int = Field(ge=1, le=500)
    pass_percent: Percent = Field(alias="pass")
    minutes: int = Field(0, ge=0, le=600)
    floors: dict[Dotted, Percent] = {}
    blueprint: dict[Dotted, Annotated[int, Field(ge=1, le=500)]] = {}
    wait_hours_after: dict[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=0, le=24 * 365)]] = {}


class QuizzesSource(_Source):
    module: RulesSource | None = None
    final: RulesSource | None = None
    pre_test: RulesSource | None = Field(None, alias="pre-test")


class RouteSource(_Source):
    title: Texts = {}
    lessons: list[str] = []
    labs: list[str] = []
    modules: list[str] = []
    quizzes: list[str] = []
    any_of: list[list[str]] = []


class CompletionSource(_Source):
    fastest_words_per_minute: int = Field(600, ge=0, le=100_000)
    test_out: Percent = 90


class CourseSource(_Source):
    """course.yaml. What is missing has a default here and is told by REQUIRED."""

    title: Texts = {}
    description: Texts = {}
    languages: Annotated[list[Language], Field(min_length=1, max_length=30)] = []
    modules: Annotated[list[Id], Field(max_length=200)] = []
    outcomes: dict[Dotted, Texts] = {}
    domains: dict[Dotted, Texts] = {}
    routes: dict[Id, RouteSource] = {}
    quizzes: QuizzesSource = QuizzesSource()
    completion: CompletionSource = CompletionSource()


class TermSource(_Source):
    """An entry of glossary.yaml. `status: {hi: proposed}` marks a term that waits for an editor of that language."""

    term: Texts
    means: Texts
    status: Texts = {}


class FactOrigin(_Source):
    title: SameOrTexts
    url: Web
    grade: Literal["P", "N", "S"]
    date: MaybeText = ""


class FactSource(_Source):
    """An entry of facts.yaml. Grades: P primary or official, N named news outlet or institute, S secondary."""

    text: Texts
    value: Texts = {}
    source: FactOrigin
    verified_on: Day
    review_after_days: int = Field(ge=1, le=3_650)


class ReviewedSource(_Source):
    by: MaybeText = ""
    on: Day | None = None


class LessonFront(_Source):
    id: Id | None = None
    title: Text | None = None
    outcomes: list[str] = []
    exercise_minutes: int | None = Field(None, ge=0, le=240)
    reviewed: ReviewedSource = ReviewedSource()
    formerly: list[Id] = []


class ModuleFront(_Source):
    title: Text | None = None
    outcomes: list[str] = []


class BankFront(_Source):
    title: Text | None = None


class LabSource(_Source):
    name: Id


REQUIRED: dict[type[BaseModel], tuple[str, ...]] = {
    CourseSource: ("title", "languages", "modules", "outcomes", "domains", "routes", "quizzes"),
    RouteSource: ("title",),
    LessonFront: ("id", "title", "outcomes", "reviewed"),
    ModuleFront: ("title", "outcomes"),
    BankFront: ("title",),
}

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "date_type": "a date like 2026-11-20",
    "date_parsing": "a date like 2026-11-20",
    "date_from_datetime_parsing": "a date like 2026-11-20",
    "string_type": "text",
    "string_too_short": "some text, not empty",
    "string_too_long": "shorter text",
    "list_type": "a list like [one, two]",
    "too_short": "a list of at least one",
    "too_long": "a shorter list",
    "dict_type": "a group of keys like {en: …, hi: …}",
    "model_type": "a group of keys",
    "web-address": "an address that begins with https:// or http://",
}
_KEYS = sorted(
    {field.alias or name for model in _Source.__subclasses__() for name, field in model.model_fields.items()}
)

Model = TypeVar("Model", bound=BaseModel)


def read_model(model: type[Model], yaml: YamlSource, path: Path = ()) -> Model | None:
    """The model from the value at this path. Everything wrong is told at its place.

    Top-level keys with errors are then left out and the rest is read, so that one slip does not hide what follows.
    None if even that does not fit.
    """
    value = yaml.value
    for step in path:
        value = value[step]
    _tell_missing(model, yaml, path, value)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    for problem in problems:
        _tell(yaml, path, problem)
    if not isinstance(value, dict):
        return None
    bad = {str(problem["loc"][0]) for problem in problems if problem["loc"]}
    yaml.unread |= {(*path, key) for key in bad}
    try:
        return model.model_validate({key: part for key, part in value.items() if key not in bad})
    except ValidationError:
        return None


def _tell_missing(model: type[BaseModel], yaml: YamlSource, path: Path, value: object) -> None:
    if isinstance(value, dict):
        for key in REQUIRED.get(model, ()):
            if value.get(key) is None:
                yaml.source.tell(yaml.key_place((*path, key)), "missing-key", key=key)


def _tell(yaml: YamlSource, path: Path, problem: ErrorDetails) -> None:
    where, kind = (*path, *problem["loc"]), problem["type"]
    of_key = where[-1:] == ("[key]",)
    where = where[:-1] if of_key else where
    key = next((str(step) for step in reversed(where) if isinstance(step, str)), "this")
    if kind == "missing":
        yaml.source.tell(yaml.key_place(where[:-1]), "missing-key", key=key)
    elif kind == "extra_forbidden":
        yaml.source.tell(yaml.key_place(where), "unknown-key", key=key, known=_KEYS)
    elif kind in ("bad-id", "bad-language", "markup-in-plain-text"):
        place = yaml.key_place(where) if of_key else yaml.place(where)
        yaml.source.tell(place, kind, value=problem["ctx"]["value"])
    elif not (problem["input"] is None and _was_told(path, where)):
        place = yaml.key_place(where) if of_key else yaml.place(where)
        yaml.source.tell(place, "wrong-value", key=key, expected=_expected(problem))


def _was_told(path: Path, where: Path) -> bool:
    """A required key without a value is told as missing, once."""
    return len(where) == len(path) + 1 and any(where[-1] in keys for keys in REQUIRED.values())


def _expected(problem: ErrorDetails) -> str:
    context: dict[str, Any] = problem.get("ctx", {})
    match problem["type"]:
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "less_than_equal":
            return f"at most {context['le']}"
        case "literal_error":
            return f"one of {context['expected']}".replace("'", "")
        case kind:
            return _EXPECTED.get(kind, "something else")
