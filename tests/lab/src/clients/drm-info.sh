
# Everything there is to ask, for people and for programs.

set -e
drm_info
drm_info -j >"$RUN/drm-info.json"
