"""Stages that a run did not come to: they end as such, and a timeline ends with them."""

from collections.abc import Iterable

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Cancelled

NOT_REACHED = "NotReached"


@task(cache_policy=NO_CACHE)
def not_reached(after: str) -> State:
    """A task with nothing to do but to say so."""
    return Cancelled(name=NOT_REACHED, message=f"{after} failed")


def end(names: Iterable[str], after: str) -> dict[str, State]:
    """Their states, of tasks that are called as they are."""
    return {
        name: not_reached.with_options(name=name, task_run_name=name)(after, return_state=True)
        for name in names
    }
