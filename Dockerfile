# What the pipeline needs, at the versions of constraints.txt; the project itself is mounted (compose.yaml).
FROM python:3.11-slim

# Debian keeps one version of a package, so a pinned one is gone at its next update
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libsndfile1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /earshot
COPY pyproject.toml constraints.txt README.md ./
RUN pip install --no-cache-dir --constraint constraints.txt ".[pipeline,speech-synthesis,pretrained,augmentation,dask,hugging-face,wandb]"

# any user may run it, one that has no name and no home in the image too; the command earshot finds the project
ENV HOME=/tmp USER=earshot PYTHONUNBUFFERED=1 PYTHONPATH=/earshot

CMD ["python", "-m", "flows.run", "train", "params.yaml"]
