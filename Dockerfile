# The dependencies of the pipeline, in the versions of constraints.txt; compose.yaml mounts the project itself.
FROM python:3.11-slim

# Debian keeps one version of each package, so a pinned version disappears with the next update
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git libsndfile1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /earshot
COPY pyproject.toml constraints.txt README.md ./
RUN pip install --no-cache-dir --constraint constraints.txt ".[pipeline,speech-synthesis,pretrained,augmentation,dask,hugging-face,wandb]"

# any user can run it, even without a name and home in the image; the command earshot finds the project
ENV HOME=/tmp USER=earshot PYTHONUNBUFFERED=1 PYTHONPATH=/earshot

CMD ["python", "-m", "flows.run", "train", "params.yaml"]
