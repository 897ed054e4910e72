// SPDX-License-Identifier: GPL-2.0

/*
 * C entry points for the inline functions and macros of KMS that
 * rust/kernel/drm/kms calls.
 */

#ifdef CONFIG_RUST_DRM_KMS

#include <drm/drm_atomic.h>
#include <drm/drm_panic.h>
#include <linux/aperture.h>
#include <linux/crc32.h>
#include <linux/iosys-map.h>
#include <linux/list.h>

/* An inline function, or not, as the configuration says. */
__rust_helper int
rust_helper_aperture_remove_conflicting_pci_devices(struct pci_dev *pdev,
						    const char *name)
{
	return aperture_remove_conflicting_pci_devices(pdev, name);
}

__rust_helper struct drm_atomic_commit *
rust_helper_drm_atomic_commit_get(struct drm_atomic_commit *commit)
{
	return drm_atomic_commit_get(commit);
}

__rust_helper void
rust_helper_drm_atomic_commit_put(struct drm_atomic_commit *commit)
{
	drm_atomic_commit_put(commit);
}

__rust_helper u32 rust_helper_crc32_optimizations(void)
{
	return crc32_optimizations();
}

__rust_helper void rust_helper_list_del(struct list_head *entry)
{
	list_del(entry);
}

__rust_helper void
rust_helper_iosys_map_memcpy_from(void *dst, const struct iosys_map *src,
				  size_t src_offset, size_t len)
{
	iosys_map_memcpy_from(dst, src, src_offset, len);
}

__rust_helper void
rust_helper_iosys_map_memcpy_to(struct iosys_map *dst, size_t dst_offset,
				const void *src, size_t len)
{
	iosys_map_memcpy_to(dst, dst_offset, src, len);
}

__rust_helper unsigned long rust_helper_drm_panic_lock(struct drm_device *dev)
{
	unsigned long flags;

	drm_panic_lock(dev, flags);
	return flags;
}

__rust_helper void
rust_helper_drm_panic_unlock(struct drm_device *dev, unsigned long flags)
{
	drm_panic_unlock(dev, flags);
}

#endif /* CONFIG_RUST_DRM_KMS */
