"""An officer takes along everything that is kept about her."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from elearn.services import privacy
from elearn.web.access import current_viewer, now, open_to

bp = Blueprint("my_data", __name__)


@bp.post("/account/my-data")
@open_to("officer")
def download() -> Response:
    """A form, not a link: no other site can have it made in her name."""
    officer_id, moment = current_viewer().officer_id, now()
    made = privacy.export(officer_id, moment, by=officer_id, address=request.remote_addr or "")
    response = Response(made, content_type="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"my-data-{moment:%Y-%m-%d}.zip")
    return response
