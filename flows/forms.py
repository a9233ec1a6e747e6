"""Help texts and initial values of the forms in the Prefect UI."""

from pathlib import Path
from typing import Any

from prefect.deployments.runner import RunnerDeployment

from flows.dvc_command import PROJECT
from flows.params_file import RECIPES
from flows.search_space import read_search

EXAMPLE = Path("flows/search.yaml")
HELP = {
    "recipe": "copied to params.yaml: a recipe in flows/recipes or the path of a params file; None: keep it",
    "overrides": "values of params.yaml to change, in the format of dvc's -S: lr=1e-4",
    "targets": "stages to run, with the stages that they depend on; None: all stages",
    "force": "also run stages that have not changed",
    "mode": "train runs the pipeline; val and test only evaluate the trained model on that split",
    "experiment": "save the results as a DVC experiment with this name; None: save no experiment",
    "stage_timeout_seconds": "a stage that takes longer fails; None: no limit",
    "push": "push data, models and run cache to the DVC remote, and the experiment to git's origin",
    "gate": "conditions for the promotion of a candidate; rates are fractions",
    "drop_folder": "a folder with new data, which is added to manifest.root",
    "search": "which values to vary and how, as in flows/search.yaml",
    "apply_winner": "apply the best trial's params and results to the working tree at the end",
}
OF_GATE = {
    "metric": "the error rate to compare: wer, cer, per or another one that the evaluation reports",
    "margin": "by how much the error rate must be lower",
    "confidence": "the required probability of that, in a paired bootstrap",
    "max_blank_ratio_rise": "how much the blank ratio may rise: 0.1 allows 0.5 -> 0.6",
    "max_worst_speaker_rise": "how much the worst speaker's error rate may rise: 0.1 allows 0.2 -> 0.3",
    "max_distribution_distance": "largest distance between new and old training data: 0 same, 1 disjoint",
    "max_new_characters": "largest fraction of characters in new transcripts that no old one has",
}
OF_SEARCH = {
    "study": "a name; the trials are the experiments NAME-000, NAME-001, ...",
    "direction": "whether a lower or a higher metric is better",
    "metric": "a column of artifacts/train/history.csv; the best epoch counts",
    "n_trials": "number of trials in the study; raise it later to continue the search",
    "parallel_trials": "number of trials that are trained at the same time",
    "sampler": "chooses the next values: a class of optuna.samplers",
    "seed": "seed of the sampler",
    "storage": "an Optuna storage URL; None: a file for this study in .scratch/tune",
    "search_spaces": "the possible values for each path in params.yaml, for instance lr",
}
OF_SPACE = {
    "distribution": "how values are drawn",
    "low": "the lowest value",
    "high": "the highest value",
    "choices": "the values to choose from",
}
OF_PART = {"class_path": "the dotted path of a class", "init_args": "the arguments of the class"}
OF_DEFINITIONS = {
    "Gate": OF_GATE,
    "Search": OF_SEARCH,
    "Part": OF_PART,
    **dict.fromkeys(("Uniform", "LogUniform", "Integer", "Categorical"), OF_SPACE),
}


def explain(deployment: RunnerDeployment) -> None:
    """Set the help text of every field in its form."""
    schema = deployment._parameter_openapi_schema
    for name, field in schema.properties.items():
        field["description"] = HELP[name]
    if recipe := schema.properties.get("recipe"):
        names = sorted(path.stem for path in (PROJECT / RECIPES).glob("*.yaml"))
        recipe["anyOf"].insert(0, {"type": "string", "enum": names, "title": "listed"})  # or typed in
    for name, definition in (schema.definitions or {}).items():
        for key, field in definition["properties"].items():
            field["description"] = OF_DEFINITIONS[name][key]


def example_search(folder: Path = PROJECT) -> dict[str, Any]:
    """The initial values in the form of tune; empty if the example file is not a valid search."""
    try:
        return {"search": read_search(folder / EXAMPLE, None).model_dump(mode="json")}
    except ValueError as error:
        print(f"the form of tune starts without an example: {error}", flush=True)
        return {}
