"""What the gate asks before anything is trained."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.gate import Gate


@pytest.mark.parametrize(
    "wrong", [{"confidence": 95.0}, {"margin": float("nan")}, {"max_new_characters": -0.1}, {"colour": 1}]
)
def test_a_value_that_could_never_decide_anything_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Gate(**wrong)


def test_a_metric_that_the_champion_was_not_scored_with_is_named_with_those_that_there_are(
    tmp_path: Path,
) -> None:
    hypotheses = tmp_path / "hypotheses.parquet"
    pq.write_table(pa.table({"id": ["a"], "cer_edits": [1], "wer_edits": [1]}), hypotheses)
    Gate(metric="cer").check_metric(hypotheses)
    with pytest.raises(ValueError, match="no metric 'per' to compare by; the champion has cer, wer"):
        Gate(metric="per").check_metric(hypotheses)
