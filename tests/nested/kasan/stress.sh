# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Everything at once: a guest that kicks at least 100,000 times while ioeventfds, irqfds and virtio_irqs are assigned and
# deassigned, with success, at least 10,000 times in random order, and files, mappings, ports and processes come and go.

export STRESS_KICKS=100000 STRESS_CHANGES=10000
kernel_tests eventfd-stress
