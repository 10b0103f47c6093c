#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs the Debian packages and the tools that are missing; does nothing, and
# quickly, when all is there.

set -euo pipefail

case ${1-} in
'' | --checkers | --series | --arm64) ;;
--help)
	echo "usage: ${0##*/} [--checkers | --series | --arm64]"
	echo "Installs the Debian 12 or 13 packages that the builds and tests need, with"
	echo "apt-get (through sudo when not root), a QEMU and a bindgen where Debian's are too old;"
	echo "with --checkers also the ruff and mypy of scripts/requirements.txt, with pip;"
	echo "with --series also sparse and coccinelle, for make series-check;"
	echo "with --arm64 also a QEMU and a busybox for guests of that architecture."
	echo "What is not a package goes to ~/.cache/struct-ops-links/tools."
	exit
	;;
*)
	echo "error: there is no option $1, see --help" >&2
	exit 2
	;;
esac

die() {
	echo "error: $*" >&2
	exit 1
}

BINDGEN=0.72.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/struct-ops-links
log=$(realpath "$(dirname "$0")/..")/build/log
packages=(python3 python3-venv python3-junitparser python3-xmlrunner python3-jsonschema
	make git patch perl rsync xz-utils ca-certificates debian-archive-keyring
	gcc libc6-dev pkg-config
	clang-19 llvm-19 lld-19 libclang-19-dev ccache
	flex bison bc cpio kmod dwarves libelf-dev libdw-dev libssl-dev zlib1g-dev libcap-dev
	qemu-system-x86 busybox-static iproute2 systemd shellcheck)

# shellcheck source=/dev/null
VERSION_ID=$(. /etc/os-release && [[ $ID == debian ]] && echo "${VERSION_ID-}") || VERSION_ID=
case $VERSION_ID in
12) packages+=(rustc-web rust-web-src rust-web-clippy rustfmt-web cargo-web) ;;
13) packages+=(rustc rust-src rust-clippy rustfmt cargo bindgen) ;;
*) die "this is made for Debian 12 and 13: run it in a container or machine with one of them" ;;
esac

if [[ ${1-} == --series ]]; then
	packages+=(sparse coccinelle)
elif [[ ${1-} == --arm64 ]]; then
	packages+=(qemu-system-arm)
fi

# dpkg-query fails when it has never heard of a package: that one is missing, too.
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
	sed -n 's/^ii *//p') || true
mapfile -t missing < <(printf '%s\n' "${packages[@]}" | sort | comm -23 - <(sort <<<"$installed"))

if ((${#missing[@]})); then
	root=()
	if ((EUID)); then
		command -v sudo >/dev/null ||
			die "these packages are missing, have them installed by root: ${missing[*]}"
		root=(sudo)
	fi
	mkdir -p "$log"
	echo "installing ${#missing[@]} packages, with ${root[*]:+${root[*]} }apt-get: ${missing[*]}" >&2
	apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
	{ "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
		>"$log/apt.log" 2>&1 ||
		die "the packages could not be installed; see $log/apt.log, then run this again"
fi

if [[ $VERSION_ID == 12 && ! -e $cache/tools/qemu ]]; then
	"$(dirname "$0")/fetch_qemu.py"
fi
if [[ ${1-} == --arm64 && $VERSION_ID == 12 && ! -e $cache/tools/qemu-arm64 ]]; then
	"$(dirname "$0")/fetch_qemu.py" --arch arm64
fi
if [[ ${1-} == --arm64 && ! -e $cache/tools/busybox-arm64 ]]; then
	"$(dirname "$0")/fetch_busybox.py" arm64
fi

at_least() {
	printf '%s\n' "$1" "$2" | sort -CV
}

own=$cache/tools/bin/bindgen
if [[ ! -x $own ]] && ! at_least 0.71.1 "$(/usr/bin/bindgen --version 2>/dev/null | sed 's/.* //')"; then
	mkdir -p "$log"
	echo "building bindgen $BINDGEN (2 minutes, once) ..." >&2
	PATH=/usr/bin:$PATH /usr/bin/cargo install --quiet --locked --version "$BINDGEN" \
		--root "$cache/tools" bindgen-cli >"$log/bindgen.log" 2>&1 ||
		die "bindgen could not be built; see $log/bindgen.log, then run this again"
fi

checkers=$cache/tools/checkers
wanted=$(dirname "$0")/requirements.txt
if [[ ${1-} == --checkers ]] && ! cmp -s "$wanted" "$checkers/requirements.txt"; then
	mkdir -p "$log" "$cache/tools"
	echo "installing ruff and mypy with pip, to $checkers (once) ..." >&2
	{ /usr/bin/python3 -m venv --clear "$checkers" &&
		"$checkers/bin/pip" install --require-hashes --only-binary :all: -r "$wanted"; } \
		>"$log/pip.log" 2>&1 ||
		die "ruff and mypy could not be installed; see $log/pip.log, then run this again"
	cp "$wanted" "$checkers/"
fi
