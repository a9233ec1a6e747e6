#!/usr/bin/env bash
# Train, or score the trained model on a split, with a params file:
#   ./run.sh train|val|test PARAMS.yaml
# Runs in the container phoneme_recognition if Docker is available, else in .venv, which make sets up.
set -euo pipefail

usage() {
    echo "run.sh: $1" >&2
    echo "usage: ./run.sh train|val|test PARAMS.yaml" >&2
    exit 1
}

[[ $# -eq 2 ]] || usage "needs a mode and a params file"
mode=$1
case $mode in
train | val | test) ;;
*) usage "unknown mode '$mode'" ;;
esac
[[ -f $2 ]] || usage "$2: no such file"
params=$(realpath "$2")
cd -P "$(dirname "${BASH_SOURCE[0]}")"

if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    inside=${params#"$PWD"/}
    [[ $inside != /* ]] || usage "$2: is outside $PWD, the only folder that the container sees"
    echo "run.sh: $mode in Docker, in the container phoneme_recognition"
    EARSHOT_USER="$(id -u):$(id -g)"
    export EARSHOT_USER
    if docker info --format '{{json .Runtimes}}' | grep -q nvidia; then
        export EARSHOT_RUNTIME=nvidia
    fi
    options=(--build --rm --name phoneme_recognition)
    [[ -t 0 && -t 1 ]] || options+=(-T)
    exec docker compose run "${options[@]}" phoneme_recognition python -m flows.run "$mode" "$inside"
fi

echo "run.sh: $mode in .venv, as Docker is not available"
make --silent .venv/installed
exec .venv/bin/python -m flows.run "$mode" "$params"
