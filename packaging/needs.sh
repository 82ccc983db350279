# shellcheck shell=bash
# What a machine must have before anything can be built. Sourced by run and test.

# Says what went wrong, and ends the script.
fail() {
    printf '%s: %s\n' "packaging/${0##*/}" "$*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Whether there is anything to open a window on.
has_display() {
    [[ -n ${DISPLAY-} || -n ${WAYLAND_DISPLAY-} ]]
}

# What the window loads when it starts: nothing of it is needed to build.
# shellcheck disable=SC2034 # for who sources this
window_packages=(libx11-6 libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0 libgl1)

# The Debian packages that building needs and this machine lacks, one a line.
missing_to_build() {
    have cc || printf '%s\n' gcc libc6-dev
    have pkg-config || printf '%s\n' pkg-config
    { have pkg-config && pkg-config --exists alsa; } || printf '%s\n' libasound2-dev
}

# Those of the named Debian packages that are not installed, one a line.
missing_of() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

# Installs the named Debian packages. Never removes one to make room.
install_packages() {
    (($# > 0)) || return 0
    local as_root=()
    ((EUID == 0)) || as_root=(sudo)
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install -y --no-install-recommends --no-remove "$@")
    ((EUID == 0)) || have sudo ||
        fail "these packages are missing, and there is no sudo to install them: $*"
    echo "Installing what is missing: $*"
    # Old lists are better than none: installing says what is not found.
    "${as_root[@]}" apt-get update -qq || true
    "${install[@]}" || fail "these packages could not be installed: $*"
}

# A compiler, pkg-config, ALSA's headers, and the Debian packages named beside.
need_packages() {
    local missing
    mapfile -t missing < <(missing_to_build)
    if have apt-get && have dpkg-query; then
        mapfile -t -O "${#missing[@]}" missing < <(missing_of "$@")
    elif ((${#missing[@]} > 0)); then
        fail "this machine has no apt. Install a C compiler, pkg-config and the development" \
            "files of ALSA (Fedora: gcc pkgconf alsa-lib-devel; Arch: gcc pkgconf alsa-lib)," \
            "and start this again."
    fi
    install_packages "${missing[@]}"
}

# A cargo that is new enough for the workspace at $1.
need_cargo() {
    # Where rustup puts it, for a shell that was open before.
    have cargo || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    have cargo || fail "there is no Rust on this machine. Get it from https://rustup.rs" \
        "(as your own user, without sudo), and start this again."
    local wanted there
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$1/Cargo.toml")
    there=$(cargo --version | cut -d ' ' -f 2)
    printf '%s\n' "$wanted" "$there" | sort -V -C ||
        fail "Rust here is $there, and $wanted is needed. Where it came from rustup:" \
            "rustup update. Else get it from https://rustup.rs."
}
