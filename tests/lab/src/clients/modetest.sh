
# libdrm's test: what there is; flips, by the old interface and by the atomic
# one; the cursor. It ends with its standard input.

set -e -o pipefail
modetest -M "$DRIVER"
mode=Virtual-1:#0
sleep 2 | modetest -M "$DRIVER" -v -s "$mode"
sleep 2 | modetest -M "$DRIVER" -v -C -s "$mode"
sleep 2 | modetest -M "$DRIVER" -a -v -s "$mode"
