"""Retrainings that end in seconds, for tests."""

import sys

from dvc_project import Project

JUDGE = """
from flows import gate, retrain
retrain.JUDGED.mkdir(parents=True)
(retrain.JUDGED / retrain._digest(retrain.renew.fn(None), gate.Gate())).write_text("judged by hand")
"""


def judge(project: Project) -> None:
    """Nothing is new to a retraining from now on."""
    project.run(sys.executable, "-c", JUDGE)
