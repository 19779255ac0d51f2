"""From a recipe of any kind to the task that the training loop works with."""

from training.schema.recipe import BaseRecipe, KeypointRecipe, Recipe
from training.tasks.expressions import expression_task
from training.tasks.keypoints import keypoint_task
from training.tasks.task import Task


def task_for(recipe: BaseRecipe) -> Task:
    """Return the data, the network and the aim of a recipe.

    Raises:
        DataError: the recipe's data is not there.
        TrainingError: its network cannot be begun.
    """
    if isinstance(recipe, Recipe):
        return expression_task(recipe)
    if isinstance(recipe, KeypointRecipe):
        return keypoint_task(recipe)
    raise TypeError(f"{type(recipe).__name__} is no kind of recipe that there is a task for.")
