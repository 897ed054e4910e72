# SPDX-License-Identifier: GPL-2.0
#
# Runs IGT programs and the churn of devices at the same time, each again and
# again, for SECONDS_LONG seconds. RUN is the folder of the run, DRIVER the name of
# the DRM driver.
#
# Two programs cannot be master of one device: each has a device of its own.

set -u
export XDG_RUNTIME_DIR=/tmp
programs=/usr/libexec/igt-gpu-tools
configfs=/sys/kernel/config/vkms
logs=$RUN/stress
mkdir -p "$logs"
failed=0

complain() {
	echo "$*" >&2
	failed=1
}

# make_device NAME: one display with a cursor. Prints its device node.
make_device() {
	local dir=$configfs/$1
	mkdir "$dir" "$dir/crtcs/crtc" "$dir/encoders/encoder" "$dir/connectors/connector" \
		"$dir/planes/primary" "$dir/planes/cursor" &&
		echo 1 >"$dir/planes/primary/type" &&
		echo 2 >"$dir/planes/cursor/type" &&
		ln -s "$dir/crtcs/crtc" "$dir/planes/primary/possible_crtcs/" &&
		ln -s "$dir/crtcs/crtc" "$dir/planes/cursor/possible_crtcs/" &&
		ln -s "$dir/crtcs/crtc" "$dir/encoders/encoder/possible_crtcs/" &&
		ln -s "$dir/encoders/encoder" "$dir/connectors/connector/possible_encoders/" &&
		echo 1 >"$dir/enabled" || return
	local card
	card=$(basename /sys/devices/faux/"$1"/drm/card*)
	[ -e "/dev/dri/$card" ] && echo "/dev/dri/$card"
}

remove_device() {
	local dir=$configfs/$1
	echo 0 >"$dir/enabled" &&
		rm "$dir"/*/*/possible_*/* &&
		rmdir "$dir"/*/* && rmdir "$dir"
}

# repeat NAME COMMAND...: until the time is up. How IGT's tests end is for the
# suite igt; that all are skipped, or cannot begin, is a failure here. IGT looks
# through all devices, and may itself crash when one goes away meanwhile.
repeat() {
	local name=$1 left status ends=0
	shift
	while left=$((SECONDS_LONG - SECONDS)); [ "$left" -gt 0 ]; do
		timeout --signal=INT --kill-after=60 "$left" "$@" >"$logs/$name.last" 2>&1
		status=$?
		ends=$((ends + 1))
		echo "$name: $ends, status $status, after $SECONDS s" >>"$logs/$name"
		case $name:$status in
		igt-*:77 | igt-*:126 | igt-*:127) ;;
		igt-* | *:0 | *:124) continue ;;
		esac
		tail -n 40 "$logs/$name.last" >&2
		echo "$name: exit status $status" >&2
		return 1
	done
	echo "$name: $ends times"
}

jobs=()
for program in kms_atomic_interruptible kms_cursor_legacy kms_flip; do
	if ! node=$(make_device "$program"); then
		complain "$program: cannot make a device for it"
		continue
	fi
	IGT_FORCE_DRIVER=$DRIVER IGT_DEVICE=drm:$node repeat "igt-$program" "$programs/$program" &
	jobs+=($!)
done
repeat churn "$RUN/bin/churn" --cycles 20 --held 8 &
jobs+=($!)
for job in "${jobs[@]}"; do
	wait "$job" || failed=1
done
for program in kms_atomic_interruptible kms_cursor_legacy kms_flip; do
	remove_device "$program" || complain "$program: cannot remove its device"
done
exit "$failed"
