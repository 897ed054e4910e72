// SPDX-License-Identifier: GPL-2.0

/*
 * C entry points for the inline functions and macros of KMS that
 * rust/kernel/drm/kms calls.
 */

#ifdef CONFIG_RUST_DRM_KMS

#include <drm/drm_atomic.h>

#endif /* CONFIG_RUST_DRM_KMS */
