"""What one certificate costs as PDF, once the engine is warm."""

from __future__ import annotations

from datetime import UTC, date, datetime
from statistics import median
from time import process_time

from elearn.domain.certificate import CertificateRecord, new_serial
from elearn.exports.certificate_pdf import certificate_pdf

BUDGET_MS = 15


def record(number: int) -> CertificateRecord:
    return CertificateRecord(
        serial=new_serial(number.to_bytes(16, "big")),
        name=f"Meera Devi {number}",
        name_language="en",
        other_names=(("hi", "मीरा देवी"), ("bn", "মীরা দেবী"), ("mni-Mtei", "ꯃꯤꯔꯥ ꯗꯦꯕꯤ")),
        course="ai-for-good-governance",
        course_title={"en": "AI for Good Governance", "hi": "सुशासन के लिए एआई"},
        course_version="0" * 64,
        issuer="Model District Administration",
        issued_on=date(2026, 11, 23),
        completed_at=datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
        evidence="checked",
        chain_head="a" * 64,
    )


def main() -> None:
    def one(number: int) -> float:
        start = process_time()
        certificate_pdf(record(number), f"http://127.0.0.1:8000/C/{record(number).serial}", "en")
        return (process_time() - start) * 1000

    first = one(0)
    rest = [one(number) for number in range(1, 51)]
    print(f"certificate as PDF: first {first:.0f} ms, then {median(rest):.1f} ms each   (budget {BUDGET_MS} ms)")


if __name__ == "__main__":
    main()
