"""The text of a record in Markdown, for its file and the page of its run."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from flows.record import Record

MAX_VALUE = 200


def markdown(record: Record, folder: Path | None = None) -> str:
    """The decision, its reasons and the inputs, with links to the files in the record's ``folder``."""
    parts = [
        f"# {record.name}, {record.when:%Y-%m-%d %H:%M}",
        "\n".join(f"- {why}" for why in record.reasons),
    ]
    parts += [table(("", ""), _facts(record))]
    for title, body in (
        ("Error rates", _comparison(record)),
        ("Utterances that got better or worse", _transcripts(record)),
        ("Params that differ from the champion's", _params(record)),
        ("Stages", table(("stage", "", "why"), record.stages)),
        ("Metrics", _metrics(record.metrics)),
        ("Distances between new and old data", table(("of", "distance"), _shares(record.distances))),
    ):
        parts += [f"## {title}\n\n{body}"] if body else []
    parts += ["```\n" + "\n".join(record.details) + "\n```"] if record.details else []
    links = _links(folder) if folder and folder.is_dir() else ""
    parts += [f"## Files\n\n{links}"] if links else []
    return "\n\n".join(part for part in parts if part) + "\n"


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def number(value: Any) -> str:
    """Format floats with four digits."""
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


def cell(value: Any) -> str:
    """Escape what would end a cell of a table."""
    text = " ".join(str(value).split())
    shown = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]} ..."
    return shown.replace("|", "\\|").replace("<", "&lt;")


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown; empty if there are no rows."""
    lines = [[cell(value) for value in row] for row in rows]
    if not lines:
        return ""
    return "\n".join(f"| {' | '.join(line)} |" for line in [headers, ["---"] * len(headers), *lines])


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    data = record.data
    if "new_utterances" in data:
        yield "new data", f"{data['new_utterances']:,} utterances, {data['new_hours']:.2f} h"
    if data.get("gone_utterances"):
        yield "no longer there", f"{data['gone_utterances']:,} utterances"
    if "utterances" in data:
        yield "training data", f"{data['utterances']:,} utterances, {data['hours']:.2f} h"
    for what, value in (
        ("champion before", record.before), ("champion now", record.champion), ("commit", record.commit),
        ("made from commit", record.code), ("manifest", record.manifest),
        ("duration", duration(record.seconds)), ("started by", record.started_by),
    ):  # fmt: skip
        if value:
            yield what, value


def _comparison(record: Record) -> str:
    found = record.comparison
    if not found:
        return ""
    low, high = found.get("difference_low"), found.get("difference_high")
    rows = [
        ("champion", record.before, number(found["champion"])),
        ("candidate", record.champion if record.name == "Promoted" else "", number(found["candidate"])),
        ("difference", f"95 % interval {number(low)} to {number(high)}",
         f"{found['candidate'] - found['champion']:+.4f}"),
        ("probability", f"that the candidate is better by more than {found.get('margin', 0):g}",
         number(found["probability_better"])),
    ]  # fmt: skip
    head = (
        f"Paired bootstrap on {found['num_utterances']:,} utterances.\n\n"
        if "num_utterances" in found
        else ""
    )
    return head + table((found.get("metric", "rate"), "", ""), rows)


def _transcripts(record: Record) -> str:
    found = record.transcripts
    if not found:
        return ""
    head = f"{found['better']:,} better, {found['worse']:,} worse, {found['same']:,} with equal errors."
    headers = ("utterance", "errors", "reference", "champion", "candidate")
    rows = [
        (row["id"], f"{row['before']} -> {row['after']}", row["reference"], row["champion"], row["candidate"])
        for row in found["shown"]
    ]
    return f"{head}\n\n{table(headers, rows)}"


def _params(record: Record) -> str:
    return table(("key", "champion", "candidate"), ((key, *values) for key, values in record.params.items()))


def _metrics(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    return table(tuple(rows[0]), ([number(value) for value in row.values()] for row in rows))


def _shares(distances: dict[str, float]) -> Iterator[tuple[str, str]]:
    for name, value in distances.items():
        yield name, number(value)


def _links(folder: Path) -> str:
    return "\n".join(f"- [{path.name}]({folder.name}/{path.name})" for path in sorted(folder.iterdir()))
