"""Notes on the training data of a run, for the spec and the card."""

from fer_core.expressions import LABEL_SPACES
from training.loop.result import FitResult
from training.schema.recipe import Recipe
from training.sources import parts_of


def note_on_data(result: FitResult, recipe: Recipe) -> str:
    """Return notes on rows and settings that the recipe does not contain."""
    parts = []
    if recipe.data.label_space is not None:
        labels = LABEL_SPACES[recipe.data.label_space].labels
        parts.append(f"only faces labelled {', '.join(labels[:-1])} or {labels[-1]}")
    if result.n_left_out:
        parts.append(f"{result.n_left_out} rows that every annotator calls no face were left out")
    if not parts:
        parts.append("all rows")
    if second := parts_of(recipe.data.source)[1:]:
        parts += _notes_of_added(second[0], recipe)
    if recipe.data.rows is not None:
        parts.append("of all these rows, as many as are trained on were drawn at random")
    if recipe.balance.adds_rows:
        parts.append(
            f"rows were added until all classes are as frequent ({recipe.balance.strategy})"
        )
    parts += notes_of_changes(result)
    if (start := result.ancestors.start) is not None:
        is_trunk = recipe.starts_from is None
        parts.append(f"{'the trunk is that of' if is_trunk else 'it started from'} {start}")
    if (trunk := result.ancestors.trunk) is not None:
        parts.append(f"the trunk is that of {trunk}")
    if (teacher := result.ancestors.teacher) is not None:
        parts.append(f"the teacher is {teacher}")
    return "; ".join(parts)


def _notes_of_added(second: str, recipe: Recipe) -> list[str]:
    none_of_others = "except those that were found to show a photo of the other splits"
    if recipe.data.whole:
        share = recipe.added_teacher_share
        learnt = (
            f"their targets are {second}'s labels"
            if share is None
            else f"of their targets, {1 - share:.0%} is {second}'s label and {share:.0%} the teacher's "
            "prediction"
        )
        return [
            f"the faces of the training split of {second} were added, {none_of_others}; {learnt}"
        ]
    labels = f"{second}'s labels" if recipe.teacher is None else "the teacher's predictions"
    notes = [
        f"of each class at most as many faces were added from the training split of {second} as there were, "
        f"{none_of_others}; they were learnt with {labels} as targets"
    ]
    if recipe.refinement is not None:
        notes.append(f"in the last {recipe.refinement.epochs} epochs they were left out")
    return notes


def notes_of_changes(result: FitResult) -> list[str]:
    """Return notes on epochs whose settings differ from the recipe."""
    return [
        f"the first {change.epochs} epochs had other settings: "
        + ", ".join(f"{key} {value}" for key, value in change.before.items())
        for change in result.changes
    ]
