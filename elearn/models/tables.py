"""All tables under one roof, for whoever needs the metadata complete: migrations and their tests."""

from elearn.models import certificates, learning, ledger, people
from elearn.models.database import Base

metadata = Base.metadata

__all__ = ["certificates", "learning", "ledger", "metadata", "people"]
