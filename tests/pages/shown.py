"""What a page's elements show, beyond what Streamlit's tests tell of them."""

import pandas as pd
import pyarrow as pa
from streamlit.testing.v1.element_tree import Dataframe


def shown_texts(table: Dataframe) -> pd.DataFrame:
    """Return the texts that a styled table shows."""
    return pa.ipc.open_stream(table.proto.arrow_data.styler.display_values).read_pandas()
