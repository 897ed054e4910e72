
# The X server with its modesetting driver: another mode, a pattern on the root
# window, a gamma ramp, the screen off and on.

start_udev
export DISPLAY=:0
Xorg "$DISPLAY" -seat "$seat" -noreset -logfile "$RUN/xorg.log" &
xorg=$!
wait_for /tmp/.X11-unix/X0 "$xorg" || exit
failed=0
xrandr --output Virtual-1 --mode 1280x720 || failed=1
xrandr | grep '1280x720 .*\*' || failed=1
xsetroot -mod 16 16 -fg '#204080' -bg '#c0d0e0' || failed=1
snapshot xorg 2 "root window" || failed=1
xrandr --output Virtual-1 --gamma 0.5:1:2 || failed=1
snapshot xorg-gamma 2 "root window, gamma 0.5:1:2" || failed=1
xset dpms force off || failed=1
grep --quiet 'active=0' /sys/kernel/debug/dri/*/state || failed=1
xset dpms force on || failed=1
snapshot xorg-on 2 "root window, off and on" || failed=1
finish "$xorg" || failed=1
if grep '^\[.*(EE) modeset' "$RUN/xorg.log"; then
	failed=1
fi
exit "$failed"
