#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Process 1 of the guest: mounts what a command expects, runs it with its output
# on virtio ports, writes its exit status to a third one, and powers off.

# shellcheck source=/dev/null
. /run/guest/settings
mkdir /run/guest/bin
/run/guest/busybox --install -s /run/guest/bin
PATH=/run/guest/bin

{
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mkdir -p /dev/pts /dev/shm
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs shm /dev/shm
	mount -t bpf -o mode=700 bpf /sys/fs/bpf
	mount -t debugfs debug /sys/kernel/debug
	mount -t tracefs trace /sys/kernel/tracing
	mount -t cgroup2 cgroup /sys/fs/cgroup
	ln -sf /proc/self/fd /dev/fd
	ln -sf fd/0 /dev/stdin
	ln -sf fd/1 /dev/stdout
	ln -sf fd/2 /dev/stderr
	hostname guest
	ip link set lo up
} >/dev/kmsg 2>&1

port() {
	for name in /sys/class/virtio-ports/*/name; do
		[ "$(cat "$name")" = "$1" ] && echo "/dev/$(basename "$(dirname "$name")")"
	done
}

# On a busy host the kernel may measure its clock wrongly, and with it every timeout.
# Then nothing is run, and the host boots the guest again.
if dmesg | grep -q 'tsc: PIT calibration deviates'; then
	echo clock >"$(port status)"
	poweroff -f
fi

# The command, with the host's programs in PATH.
run() {
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		setsid "$@"
}

shell=/bin/bash
[ "$ROOT" = host ] || shell=/bin/sh
cd "$DIRECTORY" || cd /
export HOME TERM LANG=C.UTF-8 USER=root

if [ -n "$TTY" ]; then
	# shellcheck disable=SC2086 # rows N columns N
	stty $TTY </dev/hvc0
	run -c "$shell" </dev/hvc0 >/dev/hvc0 2>&1
	status=$?
else
	# Pipes, because a port cannot be opened twice, as /dev/stderr often is.
	mkfifo /run/guest/out /run/guest/err
	cat /run/guest/out >"$(port out)" &
	out=$!
	cat /run/guest/err >"$(port err)" &
	err=$!
	run "$shell" -c "$(cat /run/guest/command)" </dev/null \
		>/run/guest/out 2>/run/guest/err
	status=$?
	# What the command left running may hold the pipes: do not wait for it long.
	{
		sleep 1
		kill $out $err
	} 2>/dev/null &
	wait $out $err
fi

# What the debug kernel finds that was allocated and lost, once it is old enough to count.
leaks=/sys/kernel/debug/kmemleak
if [ -e "$leaks" ]; then
	sleep 6
	echo scan >"$leaks"
	echo scan >"$leaks"
	# One write is one message.
	head -n 40 "$leaks" | while read -r line; do echo "$line"; done >/dev/kmsg
fi

echo "$status" >"$(port status)"
poweroff -f
