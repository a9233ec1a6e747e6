"""The page of a search in the Prefect UI: its trials, and Optuna's plots of them."""

from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_table_artifact

from flows.run_page import make_all, png_uri, show_picture
from flows.search_space import Leaf, Search
from flows.study import best_trial, counted, name_of

if TYPE_CHECKING:
    from optuna import Study

MIN_TRIALS_FOR_IMPORTANCES = 5


def rows(study: "Study", search: Search) -> list[dict[str, Any]]:
    """A row for each trial, with its experiment if it has one."""
    short = short_names(sorted(search.search_spaces))
    found = []
    for trial in counted(study):
        values = {short[path]: trial.params.get(path) for path in short}
        found.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                search.metric: trial.value,
                "epoch": trial.user_attrs.get("epoch"),
                **values,
                "experiment": name_of(search, trial.number) if trial.value is not None else "",
                "reason": trial.user_attrs.get("reason", ""),
            }
        )
    return found


def short_names(paths: list[str]) -> dict[str, str]:
    """The shortest unique suffixes of the paths."""
    steps = {path: path.split(".") for path in paths}
    names = {}
    for path, own in steps.items():
        others = [other for other in paths if other != path]
        ends = (".".join(own[-count:]) for count in range(1, len(own) + 1))
        names[path] = next(
            (end for end in ends if not any(o == end or o.endswith(f".{end}") for o in others)), path
        )
    return names


def spelled(values: dict[str, Leaf]) -> str:
    return ", ".join(f"{path}={_cell(value)}" for path, value in values.items())


def table(study: "Study", search: Search) -> list[str]:
    """The trials in columns, the best one marked."""
    best = best_trial(study)
    shown = [{**row, "reason": row["reason"].split("\n")[0]} for row in rows(study, search)]
    cells = [list(shown[0]), *([_cell(value) for value in row.values()] for row in shown)]
    marks = ["  ", *("* " if best and row["trial"] == best.number else "  " for row in shown)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        (mark + "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True))).rstrip()
        for mark, line in zip(marks, cells, strict=True)
    ]


def reasons(study: "Study", search: Search) -> list[str]:
    """Why trials failed."""
    return [
        f"{name_of(search, trial.number)}: {trial.user_attrs['reason']}"
        for trial in counted(study)
        if "reason" in trial.user_attrs
    ]


def show(study: "Study", search: Search) -> None:
    """Create all artifacts for which there is data."""
    make_all((_table, _history, _importances), study, search)


def _table(study: "Study", search: Search) -> None:
    best = best_trial(study)
    advice = f"`dvc exp apply {name_of(search, best.number)}` applies the best. " if best else ""
    create_table_artifact(
        [{name: _rounded(value) for name, value in row.items()} for row in rows(study, search)],
        key=_key(search, "trials"),
        description=advice + "`dvc exp show` lists all.",
    )


def _history(study: "Study", search: Search) -> None:
    if best_trial(study):
        show_picture(
            picture(study, "plot_optimization_history", search.metric),
            key=_key(search, "history"),
            description=f"{search.metric} by trial",
        )


def _importances(study: "Study", search: Search) -> None:
    complete = sum(trial.value is not None for trial in study.get_trials(deepcopy=False))
    if complete >= MIN_TRIALS_FOR_IMPORTANCES and len(search.search_spaces) > 1:
        show_picture(
            picture(study, "plot_param_importances", search.metric),
            key=_key(search, "importances"),
            description=f"how much each value matters to {search.metric} (PED-ANOVA)",
        )


def picture(study: "Study", plot: str, metric: str) -> str:
    """One of Optuna's plots as a data: URI."""
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna import visualization
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        figure = getattr(visualization.matplotlib, plot)(study, target_name=metric).figure
    uri = png_uri(figure, bbox_inches="tight")
    pyplot.close(figure)
    return uri


def _key(search: Search, what: str) -> str:
    return f"tune-{search.study}-{what}".lower().replace("_", "-")


def _rounded(value: Any) -> Any:
    """Round to four digits for a table."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
