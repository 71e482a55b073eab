# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What run, test, .ci/run and tests/fuzz/run share: packages, configuring, building. Sourced by
# them, after a `cd` to the top of the source tree.

set -euo pipefail
INSTALL=yes
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet \
        --no-install-recommends "$@"
}

# need_packages GROUP...: install what .ci/packages lists for these groups and the machine lacks.
need_packages() {
    [ "$INSTALL" = yes ] || return 0
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "Not a Debian system: the packages of .ci/packages must be there already."
        return 0
    fi
    local group package program missing=()
    while read -r group package program; do
        case " $* " in *" $group "*) ;; *) continue ;; esac
        [ -z "$program" ] || ! command -v "$program" >/dev/null || continue
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done < <(grep -v '^#' .ci/packages)
    [ ${#missing[@]} -gt 0 ] || return 0

    say "Installing Debian packages (--no-install skips this): ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        fail "not root and no sudo here. As root: apt-get install ${missing[*]}"
    # Without package lists (a fresh container) nothing can be found; old lists name files that
    # are gone from the mirror. Both are cured by an update.
    if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
        as_root apt-get update --quiet
        apt_install "${missing[@]}"
    else
        apt_install "${missing[@]}" ||
            { as_root apt-get update --quiet && apt_install "${missing[@]}"; }
    fi
}

# build PRESET [TARGET...]: configure, then build these targets (all, if none is given).
build() {
    local preset=$1 log
    shift
    mkdir -p "build/$preset"
    log=build/$preset/configure.log
    if ! cmake --preset "$preset" >"$log" 2>&1; then
        cat "$log" >&2
        fail "could not configure the preset '$preset'"
    fi
    cmake --build --preset "$preset" ${1:+--target "$@"}
}
