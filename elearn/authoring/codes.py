"""Every kind of problem that can be found in content: its code, its severity, its sentence and what to do.

Editors, scripts and the trainer's guide match on the codes, so a code is never renamed. An error keeps the course from
being published; a warning does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from elearn.domain.problems import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem. Sentences may name arguments in braces."""

    severity: Severity
    message: str
    hint: str


def _error(message: str, hint: str) -> Code:
    return Code("error", message, hint)


def _warning(message: str, hint: str) -> Code:
    return Code("warning", message, hint)


_FILES = {
    "more-errors": _error("There are more errors in this file.", "Mend those told so far, then check again."),
    "more-warnings": _warning("There are more warnings for this file.", "Mend those told so far, then check again."),
    "unreadable-file": _error("This file could not be read: {why}.", "Check its permissions and the disk."),
    "not-a-plain-file": _error(
        "“{name}” is a link or a device, not a plain file.", "Put the file itself into the folder."
    ),
    "too-many-files": _error(
        "The course has more than {most} files; the rest were not read.", "Remove what does not belong to the course."
    ),
    "file-too-big": _error("The file has {size} bytes; at most {most} are read.", "Make it smaller or split it."),
    "file-too-long": _error("The file has {size} characters; at most {most} are read.", "Split it into smaller files."),
    "utf-16": _error("The file is saved as UTF-16 (“Unicode” in Notepad).", "Save it again with the encoding UTF-8."),
    "not-utf8": _error(
        "This character is not UTF-8 (byte {byte}); the file was probably saved as “ANSI” (Windows-1252).",
        "Save it again with the encoding UTF-8 and look at this place.",
    ),
    "control-character": _error(
        "An invisible control character ({character}) stands here.", "Delete it and type the place again."
    ),
    "bidi-character": _error(
        "A hidden character ({character}) here turns the direction of the text.",
        "Delete it: readers would see something else than what is written.",
    ),
    "zero-width-character": _error(
        "A character without width ({character}) stands here.", "Delete it; it came along when the text was pasted."
    ),
    "not-nfc": _warning(
        "“{character}” is written in an unusual way (not Unicode NFC).",
        "It is read in the usual way; convert the file to NFC so that searching finds it.",
    ),
    "line-too-long": _error("The line has {size} characters; at most {most} are read.", "Break it into shorter lines."),
    "long-line": _warning(
        "The line has {size} characters.", "Break it before {most}: one sentence per line is easiest to review."
    ),
    "stray-file": _warning("Nothing reads the file “{name}”.", "{why}"),
    "unlisted-language": _warning(
        "The language “{language}” of this file is not in the `languages` of course.yaml.",
        "Add it there, or remove the file.",
    ),
}

_YAML = {
    "yaml-syntax": _error("{why}", "{how}"),
    "yaml-not-a-group": _error("`key: value` lines are expected here.", "Write for example `title: My title`."),
    "yaml-key": _error("A key must be a simple word.", "Write `key: value`, without brackets or `?` for the key."),
    "yaml-double-key": _error("“{key}” is already given in line {line}.", "Keep one of the two."),
    "yaml-alias": _error("`&` and `*` references are not allowed.", "Write the value out, or put the text in quotes."),
    "yaml-tag": _error("`!` tags are not allowed.", "Remove it, or put the text in quotes."),
    "yaml-too-deep": _error("This is nested more than {most} levels deep.", "Flatten it."),
    "yaml-too-much": _error("The file has more than {most} entries.", "Remove what is not needed."),
    "front-matter-missing": _error(
        "The file does not begin with its front matter.",
        "Begin with a line `---`, then `key: value` lines, then `---`.",
    ),
    "front-matter-not-closed": _error("The front matter is not closed.", "Put a line `---` after its last key."),
    "unknown-key": _error("Nothing reads the key “{key}” here. {near}", "Correct its spelling or remove it."),
    "missing-key": _error("The key “{key}” is missing here.", "Add `{key}: …`."),
    "wrong-value": _error("“{key}” must be {expected}.", "Correct the value."),
    "bad-id": _error("“{value}” cannot be an id.", "Use small Latin letters, digits and hyphens only."),
    "bad-language": _error("“{value}” is no language tag.", "Write tags such as en, hi or mni-Mtei."),
    "markup-in-plain-text": _error(
        "“{value}” looks like an HTML tag; this text is shown as plain words.", "Write it without `<`."
    ),
    "unknown-language": _error(
        "The language “{language}” is not in the `languages` of course.yaml.", "Add it there, or remove this text."
    ),
    "missing-words": _error("The text in “{language}” is missing.", "Add `{language}: …`."),
    "untranslated": _warning(
        "The text in “{language}” is missing; “{leading}” is shown instead.", "Add `{language}: …`."
    ),
}

_COURSE = {
    "course-missing": _error("The folder has no course.yaml.", "Every course needs one; see the trainer's guide."),
    "bad-course-name": _error(
        "The folder name “{name}” cannot be the id of a course.", "Use small Latin letters, digits and hyphens only."
    ),
    "bad-module-name": _error(
        "The folder name “{name}” is neither a module nor a quiz.",
        "Name a module like 03-scores; quizzes live in `final` and `pre-test`.",
    ),
    "double-module": _error("The module “{module}” has two folders: {first} and this one.", "Keep one of them."),
    "module-without-folder": _error(
        "There is no folder for the module “{module}”.", "Make the folder 01-{module}, or remove the id from this list."
    ),
    "module-not-listed": _warning(
        "The module “{module}” is not in the `modules` of course.yaml, so nobody sees it.", "Add it to that list."
    ),
    "reserved-module": _error(
        "No module may be called “{module}”: the name is an address of the course itself.", "Rename the folder."
    ),
    "module-empty": _error("The module “{module}” has no lesson.", "Add a file like {folder}/01-first.{language}.md."),
    "module-file-missing": _error(
        "The module “{module}” has no file module.{language}.md.", "Add it, with title, outcomes and why it matters."
    ),
    "bank-missing": _error(
        "There is no file {name}.", "Add it: a title in the front matter, then questions with `## ` headings."
    ),
    "missing-translation": _error("The file {name} in the language “{language}” is missing.", "Add the translation."),
    "leading-file-missing": _error(
        "This translation has no file {name} in the leading language “{language}”.",
        "Add that file, or correct the name of this one.",
    ),
    "unknown-outcome": _error("There is no outcome “{value}” in course.yaml. {near}", "Correct it, or add it there."),
    "unknown-domain": _error("There is no domain “{value}” in course.yaml. {near}", "Correct it, or add it there."),
    "unknown-module": _error("There is no module “{value}” in this course. {near}", "Correct the id."),
    "unknown-lesson": _error(
        "There is no lesson “{value}” in this course. {near}", "Write it as module/lesson, with the lesson's id."
    ),
    "unknown-lab": _error("No lesson holds the lab “{value}”. {near}", "Correct the name, or add the ```lab block."),
    "unknown-quiz": _error(
        "There is no quiz “{value}” in this course. {near}", "Name a module, `final` or `pre-test`."
    ),
    "unknown-choice": _error(
        "“{value}” is no module, lesson, lab or quiz of this course. {near}", "Correct it; lessons are module/lesson."
    ),
    "route-empty": _error("The route “{route}” asks for nothing.", "Give it modules, lessons, labs or quizzes."),
    "quiz-without-rules": _error(
        "The rules for the quiz “{quiz}” are missing.", "Add `{quiz}: {{draw: …, pass: …}}` under `quizzes`."
    ),
    "rules-without-quiz": _error("There is no folder “{quiz}” with questions.", "Add it, or remove these rules."),
    "draw-too-large": _error(
        "{draw} questions are drawn, but the bank of “{quiz}” has {size}.", "Draw fewer, or write more questions."
    ),
    "final-short": _warning(
        "On the route “{route}” the final can ask {size} questions, not {draw}: it asks only what the lessons teach.",
        "Write final questions for the outcomes of this route, or draw fewer.",
    ),
    "blueprint-sum": _error("The blueprint adds up to {sum}, but {draw} questions are drawn.", "Make the two agree."),
    "blueprint-unfillable": _error(
        "The blueprint asks for {wanted} questions of domain “{domain}”; the bank of “{quiz}” has {size}.",
        "Ask for fewer, or write more of them.",
    ),
    "floor-unfillable": _error(
        "Domain “{domain}” has a floor, but no question of it is asked in “{quiz}”.",
        "Remove the floor, or ask questions of this domain.",
    ),
    "stale-fact": _warning(
        "The fact “{fact}” should have been looked at again by {due}.",
        "Open its source, correct the text, then set `verified_on`.",
    ),
    "verified-in-future": _warning("“{fact}” is verified on a day that has not come yet.", "Correct the date."),
}

_LESSONS = {
    "double-id": _error("The id “{id}” is already used in {first}.", "Give this one another id."),
    "double-number": _warning(
        "Two lessons have the number {number}: {first} and this one.", "Renumber one, so that their order is plain."
    ),
    "lesson-length": _warning(
        "The lesson has {words} words of prose.", "Aim at {least} to {most}: one sitting between two meetings."
    ),
    "not-reviewed": _warning(
        "Nobody has reviewed this text yet; officers see it marked as a draft.",
        "After the review write `reviewed: {{by: name, on: date}}`.",
    ),
    "reviewed-without-date": _error("The day of the review is missing.", "Add `on:` with a date like 2026-11-20."),
    "fence-not-closed": _error("This block is not closed.", "Put a line with only ``` after its last line."),
    "unknown-fence": _error("There is no block “{name}”. {near}", "Use `check`, `lab`, or none for plain text."),
    "fence-not-at-margin": _error("A ``` block must begin at the left margin.", "Move it out of the list or quote."),
    "exercise-here": _error("A {name} block can stand in a lesson only.", "Move it into a lesson."),
    "heading-one": _error("The page has its title already; `#` would be a second one.", "Begin headings with `##`."),
    "heading-skips": _warning(
        "The heading goes from level {before} to level {level}.", "Leave no level out: readers' tools rely on it."
    ),
    "heading-not-at-margin": _warning("A heading must begin at the left margin.", "Move it out of the list or quote."),
    "underlined-heading": _warning("This line does not make a heading.", "Write the heading as `## Heading`."),
    "raw-html": _warning("The HTML “{tag}” is left out.", "Write it in Markdown; to show it, put it in `backticks`."),
    "reference-link": _warning("This kind of link is not read.", "Write [words](address)."),
    "nested-too-deep": _error("Lists or quotes are nested too deep here.", "Use at most {most} levels."),
    "table-too-big": _error("The table is too big to read on a phone.", "Use at most {most} cells; split it."),
    "too-many-marks": _error(
        "This paragraph has more than {most} `*` and `_` marks.", "Split it, or mark fewer words."
    ),
    "too-much-markup": _error("The file has more than {most} lines and signs of markup.", "Split the file."),
    "passage-too-long": _error("This text has more than {most} characters.", "Split it."),
    "link-malformed": _error("This link is not complete.", 'Write [words](address) or ![alt text](picture "caption").'),
    "link-scheme": _error("The address “{url}” is not allowed.", "Use https://, http:// or mailto: addresses."),
    "link-broken": _error("The link leads to no lesson: {url}.", "Name a lesson's file, such as 02-learning.en.md."),
    "alt-missing": _error(
        "The picture has no alternative text.", "Say in [ ] what it shows, for those who cannot see it."
    ),
    "picture-missing": _error("There is no picture “{name}” in this folder. {near}", "Add it, or correct the name."),
    "picture-name": _error(
        "“{name}” cannot be the name of a picture.",
        "Use a file of the same folder, small letters, ending in .svg, .png, .jpg, .jpeg or .webp.",
    ),
    "picture-type": _error("This is no {expected} picture inside.", "Save it again in the format its name says."),
    "picture-heavy": _warning(
        "The picture has {size} bytes.", "Make it smaller than {most}: signal is weak in the hills."
    ),
    "picture-unused": _warning("No lesson or question shows this picture.", "Show it, or remove the file."),
    "picture-other-language": _warning("There is a picture “{name}” made for this language.", "Show that one."),
    "svg-unreadable": _error("The SVG is not well formed: {why}.", "Save it again from your drawing program."),
    "svg-unsafe": _error(
        "The SVG holds {what}, which is not allowed.", "Use plain shapes and text, and save it again."
    ),
    "unknown-term": _error("There is no term “{value}” in glossary.yaml. {near}", "Correct the id, or add the term."),
    "unknown-fact": _error("There is no fact “{value}” in facts.yaml. {near}", "Correct the id, or add the fact."),
    "fact-without-value": _error("The fact “{fact}” has no value in “{language}”.", "Add its `value` in facts.yaml."),
    "lab-not-built": _error(
        "There is no lab called “{value}”. {near}", "Correct the name; labs are built with the system."
    ),
    "double-lab": _error("The lab “{lab}” stands in {first} already.", "Keep it in one lesson."),
}

_QUESTIONS = {
    "id-missing": _error("The question has no id.", "Add `{{#short-name}}` at the end of this line."),
    "unknown-attribute": _error("Nothing reads “{value}” here. {near}", "Use #id, type=, outcome=, level=, domain=."),
    "double-attribute": _error("“{key}” is given twice.", "Keep one of the two."),
    "missing-attribute": _error("The question has no `{key}=`.", "Add it inside the braces."),
    "unknown-level": _error("There is no level “{value}”. {near}", "Use one of: {levels}."),
    "unknown-type": _error("There is no kind of question “{value}”. {near}", "Use single, multiple or numeric."),
    "stem-missing": _error("The question asks nothing.", "Write the question before its options."),
    "stem-long": _warning("The question has {words} words.", "Keep it under {most}: it should test thinking."),
    "heading-in-question": _error("Only `##` may begin a line here, and begins a question.", "Remove this heading."),
    "bank-empty": _error("There is no question in this file.", "Begin each question with `## `."),
    "stray-text": _error(
        "This line belongs to no part of the question.",
        "Indent it by two spaces to continue an option, begin it with `> ` to explain, or move it up.",
    ),
    "option-malformed": _error("This option cannot be read.", "Write `- [ ] text` or, for a right one, `- [x] text`."),
    "option-empty": _error("The option has no text.", "Write it after the brackets."),
    "options-too-few": _error("The question has {number} option(s).", "Give at least two."),
    "options-too-many": _error("The question has {number} options.", "Give at most {most}."),
    "option-twice": _error("The same option stands in line {line}.", "Change one of the two."),
    "option-no-feedback": _warning(
        "The option has no feedback.", "Say below it, indented, `> why` it is right or not."
    ),
    "feedback-long": _warning("The feedback has {words} words.", "Keep it under {most}."),
    "feedback-not-indented": _error("This feedback does not stand below its option.", "Indent it by two spaces."),
    "quiz-no-key": _error("No option is marked as right.", "Mark the right one with `[x]`."),
    "two-keys": _error("A second option is marked as right, but type=single.", "Keep one `[x]`, or use type=multiple."),
    "type-missing": _error("There is neither an option nor a kind.", "Add options `- [ ] …`, or type=numeric."),
    "number-missing": _error("The answer of this numeric question is missing.", "Add a line like `= 26.9 ± 0.5`."),
    "number-unreadable": _error("“{value}” is no number.", "Write a line like `= 4,70,000` or `= 26.9 ± 0.5`."),
    "vary-unreadable": _error(
        "“{value}” does not say which numbers vary.", "Write a line like `vary: files = 8,000 | 10,000 | 20,000`."
    ),
    "vary-in-check": _error("The numbers of a check do not vary.", "Only questions of a bank have `vary:` lines."),
    "vary-too-much": _error("The numbers of this question can be combined in too many ways.", "Stay below {most}."),
    "vary-unused": _error("The question does not show the number “{name}” that varies.", "Write it as {{{name}}}."),
    "formula-unreadable": _error("“{value}” cannot be worked out.", "{why}."),
    "number-twice": _error("A second answer is given.", "Keep one line that begins with `=`."),
    "options-in-numeric": _error("A numeric question has no options.", "Remove them, or remove type=numeric."),
    "number-in-choice": _error("A question with options has no `=` line.", "Remove it, or the options."),
    "key-often-longest": _warning(
        "The right option is the longest one in {longest} of {number} questions.",
        "Make options alike in length, so that the form does not give the answer away.",
    ),
    "same-question": _error("The same question stands in {first}.", "The final and the pre-test ask other questions."),
}

_DRIFT = {
    "drift-missing": _error("“{id}” is missing here; it stands in {first}.", "Add it in the same order."),
    "drift-extra": _error("“{id}” stands only here, not in {first}.", "Remove it, or add it to the leading language."),
    "drift-order": _error("“{id}” stands in another order than in {first}.", "Put it in the same order."),
    "drift-front": _error("“{key}” differs from {first}.", "Write the same in every language."),
    "drift-attribute": _error("“{key}” of “{id}” differs from {first}.", "Write the same in every language."),
    "drift-kind": _error("“{id}” is {kind} here but {other} in {first}.", "Make it the same kind in every language."),
    "drift-options": _error(
        "“{id}” has {number} options here but {other} in {first}.", "Give the same options in every language."
    ),
    "drift-key": _error(
        "This option of “{id}” is {here} here but {there} in {first}.", "Mark the same options in every language."
    ),
    "drift-number": _error("The answer to “{id}” differs from {first}.", "Write the same number in every language."),
}

CODES: dict[str, Code] = {**_FILES, **_YAML, **_COURSE, **_LESSONS, **_QUESTIONS, **_DRIFT}
