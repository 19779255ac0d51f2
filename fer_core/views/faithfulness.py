"""Faithfulness of heat maps: how well each kind shows what a network depends on."""

from collections.abc import Sequence

import pandas as pd

from fer_core.data_names import data_name
from fer_core.evaluation.faithfulness import Faithfulness
from fer_core.palette import network_looks
from fer_core.views.style import lay_out, new_figure, rows_from_top
from fer_core.views.view import View


def faithfulness_view(rows: Sequence[Faithfulness]) -> View:
    """Return insertion minus deletion of each kind of heat map, by network."""
    table = faithfulness_table(rows)
    figure = new_figure()
    looks = network_looks(table["network"])
    for name, part in table.groupby("network", sort=False):
        figure.add_scatter(
            x=part["insertion minus deletion"],
            y=part["map"],
            mode="markers",
            orientation="h",
            offsetgroup=name,
            name=name,
            marker=looks[str(name)].marker(),
            hovertemplate=f"%{{y}}: %{{x:.3f}}<extra>{name}</extra>",
        )
    figure.update_layout(scattermode="group", scattergap=0.4)
    rows_from_top(figure)
    maps = list(dict.fromkeys(table["map"]))
    lay_out(figure, height=130 + 44 * len(maps), x="Insertion minus deletion")
    n, shuffled, source = rows[0].n, rows[0].n_shuffled, f"{rows[0].source}:{rows[0].split}"
    return View(
        "heat-maps",
        "Heat maps",
        figure,
        f"Faithfulness on {n:,} faces of {data_name(source)}; further right is better. Controls know "
        "nothing of the network. *Compare* shows occlusion. **Deletion** is the mean probability of the "
        "prediction while the warmest pixels are replaced first; lower is better. **Insertion** is the mean "
        "while they are shown first; higher is better (Petsiuk et al. 2018, arXiv:1806.07421). p is of "
        "Wilcoxon's signed-rank test against class activation maps on the same faces. **Shuffled** is the "
        f"rank correlation with the map of the network with shuffled weights, on {shuffled} faces. It is 1 "
        "for a map that does not depend on what the network has learnt (Adebayo et al. 2018, "
        "arXiv:1810.03292).",
        table,
    )


def faithfulness_table(rows: Sequence[Faithfulness]) -> pd.DataFrame:
    """Return the figures of `python -m training faithfulness`, one row per network and kind of map."""
    return pd.DataFrame(
        {
            "network": row.network,
            "map": row.method,
            "deletion": row.deletion,
            "insertion": row.insertion,
            "insertion minus deletion": row.insertion - row.deletion,
            "p of deletion": row.deletion_p,
            "p of insertion": row.insertion_p,
            "shuffled": row.shuffled_correlation,
        }
        for row in rows
    )
