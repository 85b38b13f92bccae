"""Codes become sentences in the reader's language: why something is missing, what a state or a grade means."""

from __future__ import annotations

from datetime import datetime

from config import Provider
from elearn.domain.certificate import CertificateRecord
from elearn.domain.status import Requirement
from elearn.i18n import _, clock, day, n_

# The order matters: Edge and Opera also call themselves Chrome, Chrome calls itself Safari, Android calls itself Linux.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device_words(agent: str) -> str:
    """A browser's own long description, in the few words that an officer knows it by."""
    browser = next((name for sign, name in BROWSERS.items() if sign in agent), _("A browser"))
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), "")
    return _("{browser} on {system}", browser=browser, system=system) if system else browser


def role_word(role: str) -> str:
    """What a role is called."""
    return {"supervisor": _("supervisor"), "trainer": _("trainer"), "administrator": _("administrator")}.get(role, role)


def provider_word(provider: Provider) -> str:
    """What the provider of identities is called: as the operator has it, or the house's own word for all of them."""
    return _("single sign-on") if provider.label == Provider.label else provider.label


def events() -> dict[str, str]:
    """Every event of the access log, in a few words."""
    return {
        "sign_in": _("signed in"),
        "sign_in_failed": _("wrong password"),
        "code_asked": _("password right, code asked"),
        "code_failed": _("wrong code"),
        "recovery_code_used": _("recovery code used"),
        "recovery_codes_made": _("new recovery codes"),
        "proved": _("confirmed who it is"),
        "sign_out": _("signed out"),
        "sign_ins_ended": _("all sign-ins ended"),
        "refused": _("page refused"),
        "link_made": _("one-time link made"),
        "link_refused": _("one-time link refused"),
        "password_set": _("password set"),
        "factor_set": _("second factor set up"),
        "factor_off": _("second factor turned off"),
        "factor_reset": _("second factor reset"),
        "officer_added": _("officer added"),
        "name_set": _("name set"),
        "posted": _("posted"),
        "route_set": _("route set"),
        "role_granted": _("role granted"),
        "role_ended": _("role ended"),
        "disabled": _("shut out"),
        "enabled": _("let in again"),
        "office_added": _("office added"),
        "roster_imported": _("roster imported"),
        "list_exported": _("list downloaded"),
        "identity_linked": _("single sign-on linked"),
        "identity_unlinked": _("single sign-on link removed"),
        "certificate_revoked": _("certificate revoked"),
        "certificate_reissued": _("certificate issued again"),
        "data_exported": _("personal data exported"),
        "erased": _("personal data erased"),
        "affected_listed": _("list after a breach made"),
        "retention": _("old records deleted"),
    }


def event_words(event: str) -> str:
    return events().get(event, event)


def why_missing(requirement: Requirement) -> str:
    """Why a requirement is not met and what would meet it, or why one is met that was not done; else ""."""
    facts = requirement.arguments
    if "credited" in facts:
        return _("You knew it already: {percent} % in its quiz, on questions new to you.", percent=facts["credited"])
    match requirement.reason:
        case "not-done":
            return _("Read it, answer its questions and mark it done.")
        case "not-reached":
            return _("Work in the lab until it says that the result is reached.")
        case "hurried":
            return why_hurried()
        case "not-begun":
            return _("{needed} % is needed.", needed=facts["needed"])
        case "below-pass":
            return n_(
                "{percent} % reached in {count} attempt, {needed} % is needed.",
                "{percent} % is the best of {count} attempts, {needed} % is needed.",
                facts["attempts"],
                percent=facts["percent"],
                needed=facts["needed"],
            )
        case "below-floor":
            return _(
                "{percent} % is enough in all, but one field is below its own mark. Your result shows which.",
                percent=facts["percent"],
            )
    return ""


def why_hurried() -> str:
    """Why three fresh questions are asked, without blame."""
    return _(
        "You went through this module faster than it can be read. If you know it already, answer three fresh "
        "questions: two right answers settle it, and it counts at once."
    )


def met_word(requirement: Requirement) -> str:
    """How a requirement stands, in a word or a figure."""
    if requirement.met:
        if "credited" in requirement.arguments:
            return _("Credited")
        percent = requirement.arguments.get("percent")
        return _("Met") if percent is None else _("Met with {percent} %", percent=percent)
    if requirement.reason in ("below-pass", "below-floor"):
        facts = requirement.arguments
        return _("{percent} of {needed} %", percent=facts["percent"], needed=facts["needed"])
    return _("Not begun") if requirement.reason == "not-begun" else _("To do")


def duration(minutes: int) -> str:
    """A number of minutes as people say it."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return n_("{count} minute", "{count} minutes", minutes)
    if not rest:
        return n_("{count} hour", "{count} hours", hours)
    return _("{hours} h {minutes} min", hours=hours, minutes=rest)


def why_closed(code: str, opens_at: datetime | None) -> str:
    """Why a quiz cannot be begun now, and when it can."""
    if code == "before-final":
        return _("The final test opens when everything else on your route is met.")
    if code == "not-asked":
        return _("Nothing is asked of you here now. These questions come up when a module was gone through very fast.")
    if code == "wait" and opens_at:
        return _(
            "You can try again from {day}, {time}. Use the time to read what the results point to.",
            day=day(opens_at),
            time=clock(opens_at),
        )
    return _("You have passed this test. There is nothing left to do here.")


def evidence_words(grade: str) -> str:
    """What a completion rests on, as the certificate states it."""
    return {
        "supervised": _("Final test taken in a supervised session"),
        "checked": _("Final test taken online, without a supervisor"),
        "waived": _("Some requirements waived by the competent authority"),
    }.get(grade, "")


def basis_words(record: CertificateRecord) -> str:
    """The same for one certificate or statement: a module ends with its quiz, not with the final."""
    if record.module and record.evidence == "checked":
        return _("Module quiz taken online, without a supervisor")
    return evidence_words(record.evidence)


def certificate_word(state: str) -> str:
    """What has become of a certificate, in a word."""
    return {
        "valid": _("Valid"),
        "withheld": _("Being prepared"),
        "superseded": _("Replaced by a newer one"),
        "revoked": _("Revoked"),
        "altered": _("Altered"),
        "unknown": _("Unknown"),
    }.get(state, state)


def verdict_heading(verdict: str, record: CertificateRecord | None) -> str:
    """What the check of a certificate's file found, in a few words; a statement is never called a certificate."""
    if record and record.module:
        return {
            "valid": _("This statement is valid"),
            "withheld": _("This statement is being prepared"),
            "superseded": _("This statement was replaced by a newer one"),
            "revoked": _("This statement was revoked"),
        }.get(verdict, _("This statement is unknown to us"))
    return {
        "valid": _("This certificate is valid"),
        "withheld": _("This certificate is being prepared"),
        "superseded": _("This certificate was replaced by a newer one"),
        "revoked": _("This certificate was revoked"),
        "altered": _("This is not as we signed it"),
    }.get(verdict, _("This certificate is unknown to us"))


def verdict_sentence(verdict: str) -> str:
    """What that means for whoever holds the file."""
    return {
        "valid": _("Every word in it is as it was signed by us."),
        "withheld": _("What it states is true; the document itself is held back until the name can be printed."),
        "superseded": _("Its record is genuine, but a newer one stands in its place."),
        "revoked": _("Its record is genuine, but it no longer counts."),
        "altered": _("Something in this file was changed, or it was never a signed record of ours. Do not rely on it."),
    }.get(verdict, _("It carries our signature, but its number is not in our register. Please ask us about it."))


def source_grade(grade: str) -> str:
    """What kind of source a lesson cites: P official or primary, N news or institute, S secondary."""
    return {"P": _("official source"), "N": _("news or institute"), "S": _("secondary source")}.get(grade, "")
