"""Optional packages, and the extra of pyproject.toml that installs each."""

EXTRAS = {
    "audiomentations": "augmentation",
    "datasets": "hugging-face",
    "distributed": "dask",
    "dvc": "pipeline",
    "librosa": "augmentation",
    "matplotlib": "pipeline",
    "numpy_audio_limiter": "augmentation",
    "scipy": "augmentation",
    "wandb": "wandb",
}


def needs(package: str) -> str:
    """How to install a missing package."""
    extra = EXTRAS.get(package)
    install = f"-c constraints.txt -e '.[{extra}]'" if extra else package
    return f"needs the package {package}: pip install {install}"


def advice(error: ImportError) -> str:
    """How to install a missing package; for other errors their message."""
    package = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not package or package == "stages":
        return str(error)
    return needs(package)
