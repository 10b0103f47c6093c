#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# First program of the guest: mounts the host's files as the root, read only, with a
# layer in memory for what is written, and continues there. Where the host's programs
# do not run, busybox is all there is.

export PATH=/bin
/bin/busybox --install -s /bin

die() {
	echo "initramfs: $*" >/dev/kmsg
	poweroff -f
}

# shellcheck source=/dev/null
. /settings

mkdir -p /dev /host /layer /root
mount -t devtmpfs dev /dev || die "no devtmpfs"
if [ "$ROOT" = host ]; then
	mount -t 9p -o "ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose" host /host ||
		die "the host's files cannot be mounted over 9p"
	mount -t tmpfs layer /layer || die "no tmpfs"
	mkdir /layer/upper /layer/work
	mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root ||
		die "no overlayfs"
else
	mount -t tmpfs root /root || die "no tmpfs"
	mkdir -p /root/dev /root/proc /root/run /root/sys /root/tmp "/root/$SHARE"
	cp -a /bin /root
fi

cd /root || die "no root"
mount --move /dev dev
mount -t tmpfs -o mode=755 run run
mount -t 9p -o "trans=virtio,version=9p2000.L,msize=524288,cache=mmap" share "./$SHARE" ||
	die "the shared folder $SHARE cannot be mounted over 9p"
mkdir run/guest
cp /bin/busybox /settings /command /guest.sh run/guest/
exec switch_root /root /run/guest/busybox sh /run/guest/guest.sh
