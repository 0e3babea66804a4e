/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the place of shunt between the lab's clients and its server: a DNAT rule of
 * nftables in the other clients' namespace, and haproxy beside the plain clients. They go with
 * their namespace and with the caller. Fails by ending the program.
 */
#pragma once

#include "lab.h"

/* Packets to 10.99.9.9 go to the three backends in turn, the port stays. */
void relays_start_nft(void);
struct addr_port relays_nft_address(uint16_t port);
/* 127.0.0.1:8000 leads to the three backends in turn, in TCP mode with one thread. */
pid_t relays_start_haproxy(uint16_t port);
struct addr_port relays_haproxy_address(void);
