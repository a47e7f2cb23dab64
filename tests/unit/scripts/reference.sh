#!/bin/bash
# docs/reference.md tells of each subcommand and option that there is, and of no other. Arguments: the command
# `escapement`, the page.
set -euo pipefail

escapement=$1
page=$2

# "SUBCOMMAND OPTION" for each option that the help tells of; `--help` itself goes without saying. The command's own
# options have the subcommand "-".
helped() {
    local subcommand
    "$escapement" --help | options -
    for subcommand in $("$escapement" --help | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\) .*/\1/p'); do
        echo "$subcommand"
        "$escapement" "$subcommand" --help | options "$subcommand"
    done
}

# options SUBCOMMAND: of a help that is read, whose lines begin as in "  -o,--output PROFILE" or "  --stats{-}".
options() {
    sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr ',' '\n' | sed 's/{.*//' | grep -vxE -e '-h|--help' | sed "s/^/$1 /" || true
}

# The same of the page: "## escapement SUBCOMMAND" and the first column of its tables.
told() {
    awk '
        /^## escapement$/ { subcommand = "-"; next }
        /^## escapement [a-z-]+$/ { subcommand = $3; print subcommand; next }
        /^## / { subcommand = "" }
        subcommand != "" && /^\| `-/ {
            split($0, column, " \\| ")
            count = split(column[1], word, /[^-a-z]+/)
            for (i = 1; i <= count; ++i) if (word[i] ~ /^--?[a-z]/) print subcommand, word[i]
        }' "$page"
}

difference=$(diff <(helped | LC_ALL=C sort -u) <(told | LC_ALL=C sort -u)) || {
    printf '%s is not what the command says of itself (<: only in --help, >: only in the page):\n%s\n' "$page" \
        "$difference"
    exit 1
}
