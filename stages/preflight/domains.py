"""Waveforms or features: what is cached, what augmentations change and what models take. Checks for
stages.preflight.agreement.
"""

from typing import Any

from stages.schema.nested import nested
from stages.schema.problems import Problems, problem

TAKES = {
    "waveform": "takes waveforms: set features.frontend to stages.frontends.waveform.Waveform and"
    " train.frontend to null",
    "features": "takes features, not waveforms: set train.frontend, or another features.frontend",
}


CHANGES = {
    "waveform": "changes waveforms, but features.frontend caches features: name it in features.copies, or set"
    " features.frontend to stages.frontends.waveform.Waveform and train.frontend to that frontend",
    "features": "works on features, but there are none: set train.frontend, or leave this augmentation out if"
    " the model takes waveforms",
}


def cached(params: Any) -> Problems:
    """What is cached must suit the model's frontend and each augmentation."""
    kept = params.features.frontend.load().domain
    seen = (params.train.frontend or params.features.frontend).load().domain
    for index, part in enumerate(params.train.augment):
        domain = getattr(part.load(), "domain", "waveform")  # waveform for audiomentations' transforms
        if domain != (kept if domain == "waveform" else seen):
            yield problem(("train", "augment", index), f"{part.class_path} {CHANGES[domain]}")
    if params.train.frontend and kept != "waveform":
        message = f"needs cached waveforms, but features.frontend caches {kept}; set it to null"
        yield problem(("train", "frontend"), message)


def taken(params: Any) -> Problems:
    """Encoders with a ``domain`` must get what they take, waveforms or features."""
    seen = (params.train.frontend or params.features.frontend).load().domain
    for place, part in nested(params.train.task):
        takes = getattr(part.load(), "domain", seen)
        if takes != seen:
            yield problem(("train", "task", *place), f"{part.class_path} {TAKES[takes]}")
