"""The task of a recipe, whatever its kind."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from training.schema.recipe import BaseRecipe, KeypointRecipe, Recipe
from training.tasks.expressions import expression_task
from training.tasks.keypoints import keypoint_task
from training.tasks.parents import Parents
from training.tasks.task import Task

#: By `BaseRecipe.kind`.
_TASKS: Final[Mapping[str, Callable[[Any, Parents], Task]]] = {
    Recipe.kind: expression_task,
    KeypointRecipe.kind: lambda recipe, _: keypoint_task(recipe),
}


def task_of(recipe: BaseRecipe, parents: Parents) -> Task:
    """Return data, network and loss of a recipe's run.

    Raises:
        DataError: the recipe's data is not there.
        TrainingError: its network cannot be trained as the recipe says.
    """
    return _TASKS[recipe.kind](recipe, parents)
