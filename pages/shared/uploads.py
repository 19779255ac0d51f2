"""Delete uploads from Streamlit's store of files. Written for Streamlit 1.67.

Streamlit keeps an upload until its visit ends, or until the visitor takes it out of its widget. A widget that
is replaced by one of another key leaves its files there. Streamlit's chat input deletes its files as here.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def still_there(files: "Sequence[UploadedFile | DeletedFile]") -> "list[UploadedFile]":
    """Return a widget's files without those whose bytes were deleted.

    The browser goes on listing those, and Streamlit reports the widget as changed: its callback runs again.
    """
    return [file for file in files if not isinstance(file, DeletedFile)]


def delete_uploads(file_ids: Iterable[str]) -> None:
    """Delete the bytes of some of this visit's uploads from Streamlit's store."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file_id in file_ids:
            context.uploaded_file_mgr.remove_file(context.session_id, file_id)


def delete_all_uploads() -> None:
    """Delete the bytes of all of this visit's uploads from Streamlit's store."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)
