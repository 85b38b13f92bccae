"""What officers tell about the course itself: errors they found on its pages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from elearn.models.database import Base, Id, Moment


class ErrorReport(Base):
    """An error found on a page. `about` says where: a lesson as `module/lesson`, a question's or a term's id, or
    nothing for the course as a whole; `version` is the content it was found in. Whoever is erased takes only her name
    along: what is wrong stays wrong."""

    __tablename__ = "error_report"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed"),
        Index("ix_error_report_open", "closed_at", "at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id", ondelete="SET NULL"), index=True)
    course: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(20))
    version: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_by: Mapped[int | None] = mapped_column(Id)
