#!/bin/bash
# The manual pages and completions that were made tell of each subcommand and option that there is, and can be read.
# Arguments: the command `escapement`, the directory that tools/pages wrote, escapement.h.
set -euo pipefail

escapement=$1
share=$2
header=$3
failed=0
fail() {
    echo "$*"
    failed=1
}

# --- Manual pages -----------------------------------------------------------------------------------------------------

if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$share"/man/man1/*.1* "$share"/man/man3/escapement.3* || fail "mandoc finds fault with them, see above"
fi
while IFS= read -r function; do
    [[ -f $share/man/man3/$function.3 ]] || fail "no page for $function"
    grep -q "^\.Fo $function$" "$share/man/man3/escapement.3" || fail "escapement(3) does not have $function"
done < <(sed -n 's/^[a-z].*[ *]\(escapement_[a-z_]*\)(.*/\1/p' "$header")

# --- bash -------------------------------------------------------------------------------------------------------------

# shellcheck disable=SC1091
. "$share/bash-completion/completions/escapement"
# shellcheck disable=SC2317
compopt() { :; }

# complete_words WORD…: what there is for the last one, sorted.
complete_words() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _escapement 2>/dev/null || true
    printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | xargs
}
expect() {
    local expected=$1 got
    shift
    got=$(complete_words "$@")
    [[ $got == "$expected" ]] || fail "completing \"$*\" gives \"$got\" instead of \"$expected\""
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/directory"
touch "$work/journal"

options_of() { "$escapement" "$@" --help | sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr ',' '\n' | sed 's/{.*//'; }
subcommands=$("$escapement" --help | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\) .*/\1/p')
[[ $subcommands == *verify* ]] || fail "the help names no subcommands"
# shellcheck disable=SC2046,SC2086
expect "$(printf '%s\n' $(options_of) $subcommands | LC_ALL=C sort | xargs)" escapement ''
for subcommand in $subcommands; do
    [[ -f $share/man/man1/escapement-$subcommand.1 ]] || fail "no page escapement-$subcommand(1)"
    got=" $(complete_words escapement "$subcommand" -) "
    for option in $(options_of "$subcommand"); do
        name=${option#-}
        name=${name#-}
        [[ $got == *" $option "* ]] || fail "bash: escapement $subcommand does not complete $option"
        for file in zsh/_escapement fish/vendor_completions.d/escapement.fish; do
            # fish has "-s o -l output".
            grep -qE -e "$option|-[sl] $name " "$share/$file" || fail "$file does not have $subcommand $option"
        done
    done
done
expect 'counted free ticktock' escapement run --policy ''
expect 'counted' escapement run --policy = c
expect 'operations' escapement verify --clock o
expect '--' escapement run ''
expect '' escapement run --quantum ''
expect "$work/directory $work/journal" escapement log "$work/"
expect "$work/directory" escapement verify --keep "$work/"
expect "$work/journal" escapement run --journal "$work/j"
expect "$work/journal" escapement run --profile "$work/j"
expect "$work/journal" escapement calibrate --check "$work/j"
expect "$work/journal" escapement trace -o "$work/j"
expect '' escapement run --quantum 1
# What follows `--` is another command's, with arguments that look like options of this one's.
[[ " $(complete_words escapement run -- bas) " == *" bash "* ]] || fail "no commands after --"
expect "$work/journal" escapement run --policy free -- cat --policy "$work/j"

# --- zsh and fish, where they are installed ---------------------------------------------------------------------------

! command -v zsh >/dev/null || zsh -n "$share/zsh/_escapement" || fail "zsh cannot read its completion"
! command -v fish >/dev/null || {
    fish --no-execute "$share/fish/vendor_completions.d/escapement.fish" || fail "fish cannot read its completion"
    got=$(fish --no-config -c "source $share/fish/vendor_completions.d/escapement.fish
        complete -C 'escapement run --policy t'; complete -C 'escapement run -- escapement diff --con'" | cut -f 1 | xargs)
    [[ $got == 'ticktock --context'* ]] || fail "fish completes \"$got\""
}
exit "$failed"
