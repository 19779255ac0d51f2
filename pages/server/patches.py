"""What Streamlit 1.67 and Starlette 1.10 have no setting for, changed in their modules."""


def keep_uploads_in_memory() -> None:
    """Keep the server from writing uploads to temporary files.

    Starlette, which receives uploads, moves them to a file under /tmp once they pass 1 MB. Zero is
    SpooledTemporaryFile's word for never; the upload limit is enforced while the bytes arrive.
    """
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = 0


def look_no_address_up() -> None:
    """Keep the server from asking others for its own address.

    Streamlit asks, a second or two long and answering nobody, whenever a page from elsewhere tries to open
    a connection to it, to see whether that is its own address by another name. Such a page is refused.
    """
    from streamlit import net_util

    net_util.get_internal_ip = net_util.get_external_ip = _unknown


def _unknown() -> str | None:
    return None
