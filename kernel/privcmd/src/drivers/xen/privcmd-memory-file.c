// SPDX-License-Identifier: GPL-2.0-only
/*
 * A range of a guest's memory as a file: see privcmd-memory-file.h.
 *
 * Each file has an inode of its own, of a file system that nobody else can mount or
 * look into: by the inode all its mappings are found, and it has the size.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/overflow.h>
#include <linux/pseudo_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <xen/features.h>
#include <xen/page.h>
#include <xen/privcmd.h>
#include <xen/privcmd-memory.h>
#include <xen/xen.h>

#include "privcmd-compat.h"
#include "privcmd-memory.h"
#include "privcmd-memory-chunk.h"
#include "privcmd-memory-file.h"
#include "privcmd-memory-list.h"

/* Of Xen's public/domctl.h */
#define DOMCTL_DESTROYDOMAIN	2

#define PRIVCMD_MEMORY_MAGIC	0x78656e6d /* "xenm" */

static int init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, PRIVCMD_MEMORY_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type memory_fs = {
	.name = "xen-memory",
	.owner = THIS_MODULE,
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

/* Mounted while there is a file, which keeps this module to the very end. */
static struct vfsmount *memory_mnt;
static int memory_mnt_count;

static vm_fault_t fault(struct vm_fault *vmf)
{
	return privcmd_memory_fault(vmf->vma->vm_file->private_data, vmf);
}

static const struct vm_operations_struct memory_vm_ops = {
	.fault = fault,
};

static int memory_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct privcmd_memory_object *mem = file->private_data;

	/* A private copy of a page that nobody may pin cannot be made. */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff > mem->nr_frames || vma_pages(vma) > mem->nr_frames - vma->vm_pgoff)
		return -EINVAL;

	privcmd_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &memory_vm_ops;

	return 0;
}

static loff_t memory_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, i_size_read(file_inode(file)));
}

static int memory_release(struct inode *inode, struct file *file)
{
	struct privcmd_memory_object *mem = file->private_data;

	/*
	 * As long as it has a frame it is found: whoever is about to destroy the guest has
	 * to wait for the last, since Xen would go round without an end in which we come on.
	 */
	privcmd_memory_end(mem);
	privcmd_memories_del(mem);
	privcmd_memory_free(mem);
	simple_release_fs(&memory_mnt, &memory_mnt_count);

	return 0;
}

static void memory_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct privcmd_memory_object *mem = file->private_data;

	seq_printf(m, "xen-domid:\t%u\n", mem->dom);
	seq_printf(m, "xen-gfn:\t0x%llx\n", (u64)mem->gfn);
	seq_printf(m, "xen-frames:\t%lu\n", mem->nr_frames);
	seq_printf(m, "xen-mapped:\t%lu\n", READ_ONCE(mem->nr_mapped));
	seq_printf(m, "xen-holes:\t%lu\n", atomic_long_read(&mem->nr_holes));
	seq_printf(m, "xen-ended:\t%d\n", READ_ONCE(mem->ended));
}

static const struct file_operations memory_fops = {
	.owner = THIS_MODULE,
	.mmap = memory_mmap,
	.llseek = memory_llseek,
	.release = memory_release,
	.show_fdinfo = memory_show_fdinfo,
};

static struct file *new_file(struct privcmd_memory_object *mem)
{
	struct inode *inode;
	struct file *file;
	int rc;

	rc = simple_pin_fs(&memory_fs, &memory_mnt, &memory_mnt_count);
	if (rc)
		return ERR_PTR(rc);

	inode = alloc_anon_inode(memory_mnt->mnt_sb);
	if (IS_ERR(inode)) {
		file = ERR_CAST(inode);
		goto err_mnt;
	}
	i_size_write(inode, (loff_t)mem->nr_frames << PAGE_SHIFT);

	file = alloc_file_pseudo(inode, memory_mnt, "xen-memory", O_RDWR, &memory_fops);
	if (IS_ERR(file)) {
		iput(inode);
		goto err_mnt;
	}
	/* The last fput() puts it. */
	__module_get(THIS_MODULE);
	file->private_data = mem;
	mem->mapping = file->f_mapping;

	return file;
err_mnt:
	simple_release_fs(&memory_mnt, &memory_mnt_count);

	return file;
}

static bool is_supported(void)
{
	return xen_feature(XENFEAT_auto_translated_physmap) && PAGE_SIZE == XEN_PAGE_SIZE;
}

static long add_file(struct privcmd_memories *owner, const struct privcmd_memory *arg)
{
	struct privcmd_memory_object *mem;
	struct file *file;
	int fd, rc;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	mem = privcmd_memory_new(arg->dom, arg->gfn, arg->nr_frames);
	if (IS_ERR(mem)) {
		rc = PTR_ERR(mem);
		goto err_fd;
	}
	file = new_file(mem);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_mem;
	}
	rc = privcmd_memories_add(owner, mem);
	if (rc)
		goto err_file;

	fd_install(fd, file);

	return fd;

err_file:
	/* Releasing it does what there is left to do. */
	fput(file);
	put_unused_fd(fd);
	return rc;
err_mem:
	privcmd_memory_free(mem);
err_fd:
	put_unused_fd(fd);
	return rc;
}

/* The end of a range is a frame, and its address in a file an loff_t. */
static bool is_range(u64 gfn, u64 nr_frames)
{
	u64 end;

	return nr_frames && !check_add_overflow(gfn, nr_frames, &end) &&
	       end <= (u64)LLONG_MAX >> PAGE_SHIFT;
}

long privcmd_memory_ioctl(struct privcmd_memories *owner, const struct privcmd_memory *arg)
{
	int rc;

	if (!is_supported())
		return -EOPNOTSUPP;
	if (arg->flags || memchr_inv(arg->pad, 0, sizeof(arg->pad)) ||
	    !is_range(arg->gfn, arg->nr_frames))
		return -EINVAL;

	/* Those of a special number have no memory, or are us. */
	if (arg->dom >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	rc = privcmd_memory_find_guest(arg->dom);
	if (rc)
		return rc;

	return add_file(owner, arg);
}

long privcmd_memory_forget_ioctl(const struct privcmd_memory_forget *arg)
{
	struct privcmd_memory_range *ranges;
	unsigned int i;
	long rc = 0;

	if (!is_supported())
		return -EOPNOTSUPP;
	if (arg->flags || memchr_inv(arg->pad, 0, sizeof(arg->pad)) ||
	    arg->nr_ranges > PRIVCMD_MEMORY_RANGES_MAX)
		return -EINVAL;
	if (!arg->nr_ranges)
		return 0;

	ranges = memdup_user(u64_to_user_ptr(arg->ranges), arg->nr_ranges * sizeof(*ranges));
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	for (i = 0; i < arg->nr_ranges && !rc; i++)
		if (!is_range(ranges[i].gfn, ranges[i].nr_frames))
			rc = -EINVAL;
	if (!rc)
		privcmd_memories_forget(arg->dom, ranges, arg->nr_ranges);
	kfree(ranges);

	return rc;
}

void privcmd_memory_before_hypercall(const struct privcmd_hypercall *call)
{
	/* The beginning of struct xen_domctl of Xen's public/domctl.h, whatever its version */
	struct {
		u32 cmd;
		u32 interface_version;
		domid_t dom;
	} op;

	if (call->op != __HYPERVISOR_domctl ||
	    copy_from_user(&op, u64_to_user_ptr(call->arg[0]), sizeof(op)))
		return;
	if (op.cmd == DOMCTL_DESTROYDOMAIN)
		privcmd_memories_end(op.dom);
}

long privcmd_memory_info_get(struct privcmd_memory_info *info)
{
	memset(info, 0, sizeof(*info));
	if (is_supported())
		info->features = PRIVCMD_MEMORY_FILES;
	privcmd_memories_info(info);

	return 0;
}
