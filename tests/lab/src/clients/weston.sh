
# The Wayland compositor, composing by CPU, with two of its clients.

start_udev
export XDG_RUNTIME_DIR=/tmp/runtime XDG_SEAT=$seat LIBSEAT_BACKEND=noop
mkdir -m 700 "$XDG_RUNTIME_DIR"
weston --backend=drm --renderer=pixman --seat="$seat" --continue-without-input \
	--idle-time=0 --log="$RUN/weston.log" &
weston=$!
wait_for "$XDG_RUNTIME_DIR/wayland-1" "$weston" || exit
export WAYLAND_DISPLAY=wayland-1
failed=0
for client in weston-terminal weston-flower; do
	WAYLAND_DEBUG=client "$client" >"$RUN/$client.log" 2>&1 &
	# The compositor says so when a window is on an output.
	for i in $(seq 600); do
		! grep --quiet 'wl_surface.*\.enter(' "$RUN/$client.log" || continue 2
		sleep 0.1
	done
	echo "$client has no window" >&2
	failed=1
done
snapshot weston 300 "desktop" || failed=1
finish "$weston" || failed=1
if grep -E "couldn't|[Ff]ailed" "$RUN/weston.log"; then
	failed=1
fi
exit "$failed"
