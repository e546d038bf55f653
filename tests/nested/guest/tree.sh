# SPDX-License-Identifier: GPL-2.0-or-later
#
# Trees of small files, to write in one place and compare in another: the same functions for a guest's shell and dom0's (busybox
# sh). In a guest it is /bin/tree.sh. Knows nothing of what file system it is on.

# write_tree DIRECTORY COUNT WORD: files in twenty directories, each with what is its own to say.
write_tree()
{
	local i=0 d
	for d in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
		mkdir -p "$1/$d" || return 1
	done
	while [ $i -lt "$2" ]; do
		echo "$3: file $i of $2, $((i * 7919 % 65521))" >"$1/$((i % 20))/$i" || return 1
		i=$((i + 1))
	done
}

# tree_sum DIRECTORY: names and contents, as one checksum.
tree_sum()
{
	(cd "$1" && find . -type f | sort | xargs md5sum | md5sum | cut -d' ' -f1)
}

# forget_pages: what is read next is read from where it is.
forget_pages()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
}
