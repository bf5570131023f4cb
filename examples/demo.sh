#!/usr/bin/env bash
# From WET files to a pretrained T5, by the commands of real builds. `make demo` runs this script.
#   WET        your own WET files: paths and globs, separated by commas
#   CRAWL      or a crawl of Common Crawl, such as CC-MAIN-2024-22: the demo fetches one of its WET files
#              or neither: the demo writes a WET file from the English prose that comes with Python
#   RESOURCES  folder of the pinned lists (default: cache, then download); 'builtin' for small stand-ins
#   OUTPUT     folder of all results (default: demo-output)
#   STEPS      number of pretraining steps (default: 120)
set -euo pipefail

output=${OUTPUT:-demo-output}
steps=${STEPS:-120}
resources=${RESOURCES:-}
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

if [ -n "${WET:-}" ]; then
    input=$WET
    say "1. Input: your WET files, $input"
elif [ -n "${CRAWL:-}" ]; then
    say "1. Input: one WET file of $CRAWL, from Common Crawl"
    input=$(c4pipe fetch "$CRAWL" --first 1 --output "$output/wet")
else
    input=$output/wet/python-prose.warc.wet.gz
    resources=${resources:-builtin}
    say "1. Input: a WET file of the English prose that comes with this Python (documentation topics and docstrings)."
    echo "   This is no crawl. WET=path-or-glob takes your own files; CRAWL=CC-MAIN-2024-22 fetches one file of a crawl."
    python -m c4pipe.demo_crawl "$input"
fi

say "2. Clean, deduplicate, write shards of C4 en"
[ "$resources" = builtin ] && echo "   This uses the small built-in word and abbreviation lists (RESOURCES=builtin). Real builds use the pinned lists."
python -m beam_jobs.build_c4 --input "$input" --output "$output" --variant en --format tfrecord,parquet,jsonl \
    ${resources:+--resources "$resources"}

say "3. Train a SentencePiece tokenizer on the shards"
python -m model.train_tokenizer --shards "$output/en" --vocab_size "${VOCAB_SIZE:-4000}" --output "$output/spiece.model"

say "4. Pretrain a tiny T5 with span corruption"
python -m model.pretrain --shards "$output/en" --tokenizer "$output/spiece.model" --output "$output/run" \
    --preset tiny --steps "$steps" --checkpoint_every 60 --evaluate_every 60

say "5. Export the model for transformers"
python -m model.export "$output/run/checkpoints" "$output/export" --tokenizer "$output/spiece.model"

say "6. A span-corruption example, filled in by the model"
python -m model.infill --model "$output/export" --shards "$output/en"

say "Everything is in $output"
cat <<EOF
   en/            shards: JSON lines, Parquet, TFRecord; manifest.json; stats.json counts the drops of each rule
   store/         the page store, which continues a stopped build
   spiece.model   the tokenizer
   run/           checkpoints and metrics.jsonl
   export/        T5ForConditionalGeneration.from_pretrained("$output/export")
EOF
python - "$output/run/metrics.jsonl" <<'EOF'
import json, sys
rows = [row for row in map(json.loads, open(sys.argv[1])) if row["kind"] == "held_out"]
first, last = rows[0], rows[-1]
print(f"   held-out loss: {first['loss']:.3f} at step {first['step']}, {last['loss']:.3f} at step {last['step']}")
EOF
