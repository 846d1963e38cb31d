# A line a result with tabs between the cells: jq -r -f table.jq OUTBOX/*.json (or *.jsonl)
# Line feeds and tabs in a cell are written as \n and \t.
[.id, .status, .reason.code // "", .text, .confidence // "", .source.path] | @tsv
