"""All tables under one roof, for whoever needs the metadata complete: migrations and their tests."""

from elearn.models import certificates, feedback, learning, ledger, people
from elearn.models.database import Base

metadata = Base.metadata

__all__ = ["certificates", "feedback", "learning", "ledger", "metadata", "people"]
