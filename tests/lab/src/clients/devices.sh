# SPDX-License-Identifier: GPL-2.0
# What clients look for devices with. RUN is the folder of the run, DRIVER the
# name of the DRM driver.

set -u

# There is no virtual terminal: a seat that is not the first needs none.
seat=seat-lab

start_udev() {
	mkdir -p /run/udev/rules.d
	echo "SUBSYSTEM==\"drm\", KERNEL==\"card*\", ENV{ID_SEAT}=\"$seat\"" \
		>/run/udev/rules.d/99-lab.rules
	/usr/lib/systemd/systemd-udevd --daemon || exit
	udevadm trigger --action=add
	udevadm settle --timeout=60 || exit
}

# wait_for FILE PROCESS: until the process has made the file.
wait_for() {
	local i
	for i in $(seq 600); do
		[ ! -e "$1" ] || return 0
		kill -0 "$2" || break
		sleep 0.1
	done
	echo "$1 has not appeared" >&2
	return 1
}

# snapshot NAME COLOURS WHAT: a picture of the screen, as soon as it has so many
# colours.
snapshot() {
	"$RUN/bin/snapshot" --driver "$DRIVER" --name "$3" --colours "$2" --patience 60 \
		--png "$RUN/$1.png" --report "$RUN/$1.json"
}

# finish PROCESS: ends it, which has to be without an error.
finish() {
	kill "$1" && wait "$1"
}
