# SPDX-License-Identifier: GPL-2.0-or-later
# notify: own
# timeout: 200
#
# A guest that kicks at least 100,000 times while ioeventfds are assigned and deassigned, with success, at least 10,000 times in
# random order, ports are unbound and moved and tasks wait for a kick: each kick arrives, once. Then everything at once and
# what nobody can account for: irqfds and virtio_irqs as well, and files, mappings and processes come and go.

export STRESS_KICKS=100000 STRESS_CHANGES=10000
kernel_tests eventfd-account
export STRESS_KICKS=20000 STRESS_CHANGES=5000
kernel_tests eventfd-stress
