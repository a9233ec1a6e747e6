"""What the forms of the Prefect UI say beside each field, and what they begin with: recipes, a search."""

from pathlib import Path
from typing import Any

from prefect.deployments.runner import RunnerDeployment

from flows.dvc_command import PROJECT
from flows.params_file import RECIPES
from flows.search_space import read_search

EXAMPLE = Path("flows/search.yaml")
HELP = {
    "recipe": "one of flows/recipes, or the path of a params file, that becomes params.yaml; None: none",
    "overrides": "values of params.yaml to change, as dvc's -S: lr=1e-4, train.trainer.max_epochs=50",
    "targets": "stages to run, with all that they need; None: all of them",
    "force": "run what has not changed, too",
    "mode": "train runs the pipeline; val and test only evaluate the model that is there on that split",
    "experiment": "the name of the DVC experiment to save what comes out as; None: none is saved",
    "stage_timeout_seconds": "a stage that takes longer fails; None: as long as it takes",
    "push": "send data, models and run cache to the DVC remote, and the experiment to git's origin",
    "gate": "what a candidate must satisfy to be promoted; rates and shares are fractions",
    "drop_folder": "a folder with new data that is laid over manifest.root",
    "search": "which values to vary and how, as in flows/search.yaml",
    "apply_winner": "bring the best trial's params and results into the working tree at the end",
}
OF_GATE = {
    "metric": "the error rate to compare by: wer, cer, per or another one that evaluation reports",
    "margin": "by how much the error rate must be lower",
    "confidence": "with which probability it must be, under a paired bootstrap",
    "max_blank_ratio_rise": "how far the blank ratio may rise: 0.1 lets 0.5 become 0.6",
    "max_worst_speaker_rise": "how far the worst speaker's error rate may rise: 0.1 lets 0.2 become 0.3",
    "max_distribution_distance": "how unlike the old the new training data may be; 1 has nothing in common",
    "max_new_characters": "which share of the new transcripts' characters the old ones may lack",
}
OF_SEARCH = {
    "study": "a name; the trials are the experiments NAME-000, NAME-001, ...",
    "direction": "whether less or more of the metric is better",
    "metric": "a column of artifacts/train/history.csv, of which the best epoch counts",
    "n_trials": "of the whole study; raised later, the search goes on",
    "parallel_trials": "how many are trained at the same time",
    "sampler": "how the next values are chosen: a class of optuna.samplers",
    "seed": "of the sampler",
    "storage": "an Optuna storage URL; None: a file of the study's own below .scratch/tune",
    "search_spaces": "by the path of a value in params.yaml, lr for instance, what it may be",
}
OF_SPACE = {
    "distribution": "how values are drawn",
    "low": "the least value",
    "high": "the greatest value",
    "choices": "the values to choose from",
}
OF_PART = {"class_path": "the dotted path of a class", "init_args": "the arguments that it is given"}
OF_DEFINITIONS = {
    "Gate": OF_GATE,
    "Search": OF_SEARCH,
    "Part": OF_PART,
    **dict.fromkeys(("Uniform", "LogUniform", "Integer", "Categorical"), OF_SPACE),
}


def explain(deployment: RunnerDeployment) -> None:
    """Help for every field of its form."""
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
    """What the form of tune begins with; nothing where somebody's edit left no search in the file."""
    try:
        return {"search": read_search(folder / EXAMPLE, None).model_dump(mode="json")}
    except ValueError as error:
        print(f"the form of tune begins without an example: {error}", flush=True)
        return {}
