/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of questions and answers over TCP and its client, as plain as can be. A question is 64
 * octets and begins with how many octets the answer is to have. Both fail by ending the program.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define ECHO_QUESTION 64

/* A listening socket on every IPv4 address. */
int echo_listen(uint16_t port);
/* Answers all that connect; never returns. */
_Noreturn void echo_serve(const int *listeners, size_t n);

int echo_socket(void);
void echo_connect(int fd, const struct addr_port *to);
/* Asks for so many octets and reads them all. */
void echo_ask(int fd, uint64_t octets);
