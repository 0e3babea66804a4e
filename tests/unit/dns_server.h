/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small DNS server for tests, on the test's own loop at 127.0.0.1 and a port of its own, UDP and
 * TCP. It answers from a table that a test may exchange at any time, and counts what it was asked.
 * A name that the table does not hold does not exist.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "dns_packet.h"

#define DNS_SERVER_SOA "internal. 60 IN SOA ns.internal. admin.internal. 1 7200 900 1209600 60"

enum dns_behaviour {
	DNS_ANSWERS,
	DNS_IS_SILENT,
	DNS_TRUNCATES,	   /* over UDP; over TCP it answers */
	DNS_SENDS_GARBAGE, /* after a good header and question */
	DNS_IS_FORGED,	   /* the answer comes from another port */
};

struct dns_row {
	struct dns_packet packet; /* the name with its final dot */
	enum dns_behaviour behaviour;
};

struct dns_server {
	uv_udp_t udp;
	uv_tcp_t tcp;
	struct addr_port at;
	const struct dns_row *rows;
	size_t n_rows;
	unsigned int asked, asked_tcp;
	bool forges;	/* the answer at hand */
	char log[1024]; /* "A name\n" for each question */
};

struct dns_server_stream {
	uv_tcp_t handle;
	struct dns_server *server;
	uint8_t buffer[1024];
	size_t length;
};

#define DNS_SERVER_SET(server, table) \
	((server)->rows = (table), (server)->n_rows = ARRAY_SIZE(table))

static const struct dns_row *dns_server_find(const struct dns_server *s, const char *name, int type)
{
	for (size_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].packet.type == type && strcasecmp(s->rows[i].packet.name, name) == 0)
			return &s->rows[i];
	return NULL;
}

static void dns_server_note(struct dns_server *s, const char *name, int type, bool tcp)
{
	size_t used = strlen(s->log);

	s->asked++;
	s->asked_tcp += tcp;
	snprintf(s->log + used, sizeof(s->log) - used, "%s%s %s\n", tcp ? "tcp " : "",
		 type == 1    ? "A"
		 : type == 28 ? "AAAA"
			      : "SRV",
		 name);
}

/* The answer to a question as octets, malloc'd; NULL: silence. */
static uint8_t *dns_server_answer(struct dns_server *s, const uint8_t *question, size_t length,
				  bool tcp, size_t *ret_length)
{
	ldns_pkt *asked = NULL;
	struct dns_packet packet = { .rcode = LDNS_RCODE_NXDOMAIN,
				     .authority = { DNS_SERVER_SOA } };
	const struct dns_row *row;
	uint8_t *wire = NULL;
	ldns_rr *rr;
	char *name;

	if (ldns_wire2pkt(&asked, question, length) != LDNS_STATUS_OK)
		return NULL;
	rr = ldns_rr_list_rr(ldns_pkt_question(asked), 0);
	name = ldns_rdf2str(ldns_rr_owner(rr));
	row = dns_server_find(s, name, (int)ldns_rr_get_type(rr));
	dns_server_note(s, name, (int)ldns_rr_get_type(rr), tcp);
	if (row)
		packet = row->packet;
	s->forges = row && row->behaviour == DNS_IS_FORGED;
	packet.name = name;
	packet.type = (int)ldns_rr_get_type(rr);
	packet.id = ldns_pkt_id(asked);
	if (row && row->behaviour == DNS_TRUNCATES && !tcp) {
		packet.truncated = true;
		packet.answer[0] = NULL;
	}
	if (!row || row->behaviour != DNS_IS_SILENT)
		wire = dns_packet_build(&packet, ret_length);
	if (row && row->behaviour == DNS_SENDS_GARBAGE)
		wire[7] = 9; /* nine answers, it says */
	free(name);
	ldns_pkt_free(asked);
	return wire;
}

static void dns_server_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	(void)handle;
	(void)suggested;
	*ret = uv_buf_init(malloc(2048), 2048);
}

static void dns_server_forge(const uint8_t *wire, size_t length, const struct sockaddr *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sendto(fd, wire, length, 0, to, sizeof(struct sockaddr_in)) != (ssize_t)length)
		abort();
	close(fd);
}

static void dns_server_on_udp(uv_udp_t *udp, ssize_t n, const uv_buf_t *buffer,
			      const struct sockaddr *from, unsigned int flags)
{
	size_t length = 0;
	uint8_t *wire;
	uv_buf_t out;

	(void)flags;
	if (n > 0 && from) {
		wire = dns_server_answer(udp->data, (const uint8_t *)buffer->base, (size_t)n, false,
					 &length);
		out = uv_buf_init((char *)wire, (unsigned int)length);
		if (wire && ((struct dns_server *)udp->data)->forges)
			dns_server_forge(wire, length, from);
		else if (wire)
			uv_udp_try_send(udp, &out, 1, from);
		free(wire);
	}
	free(buffer->base);
}

static void dns_server_stream_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void dns_server_on_tcp(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
	struct dns_server_stream *t = stream->data;
	size_t length = 0, wanted;
	uint8_t *wire, prefix[2];
	uv_buf_t out[2];

	if (n < 0) {
		uv_close((uv_handle_t *)stream, dns_server_stream_closed);
	} else if (n > 0 && t->length + (size_t)n <= sizeof(t->buffer)) {
		memcpy(t->buffer + t->length, buffer->base, (size_t)n);
		t->length += (size_t)n;
		wanted = t->length < 2 ? SIZE_MAX : 2 + ((size_t)t->buffer[0] << 8 | t->buffer[1]);
		if (t->length >= wanted) {
			wire = dns_server_answer(t->server, t->buffer + 2, wanted - 2, true,
						 &length);
			prefix[0] = (uint8_t)(length >> 8);
			prefix[1] = (uint8_t)length;
			out[0] = uv_buf_init((char *)prefix, 2);
			out[1] = uv_buf_init((char *)wire, (unsigned int)length);
			if (wire)
				uv_try_write(stream, out, 2);
			free(wire);
			t->length = 0;
		}
	}
	free(buffer->base);
}

static void dns_server_on_connection(uv_stream_t *listener, int status)
{
	struct dns_server_stream *t = calloc(1, sizeof(*t));

	if (status < 0 || !t)
		abort();
	t->server = listener->data;
	t->handle.data = t;
	uv_tcp_init(listener->loop, &t->handle);
	t->handle.data = t;
	uv_accept(listener, (uv_stream_t *)&t->handle);
	uv_read_start((uv_stream_t *)&t->handle, dns_server_alloc, dns_server_on_tcp);
}

/* Binds UDP to a port that the kernel chooses and TCP
 * to the same; another try when that one is taken. */
static void dns_server_start(struct dns_server *s, uv_loop_t *loop)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int size = sizeof(at);

	memset(s, 0, sizeof(*s));
	for (int tries = 0; tries < 100; tries++) {
		at.sin_port = 0;
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		uv_udp_init(loop, &s->udp);
		uv_tcp_init(loop, &s->tcp);
		s->udp.data = s->tcp.data = s;
		if (uv_udp_bind(&s->udp, (struct sockaddr *)&at, 0) == 0 &&
		    uv_udp_getsockname(&s->udp, (struct sockaddr *)&at, &size) == 0 &&
		    uv_tcp_bind(&s->tcp, (struct sockaddr *)&at, 0) == 0 &&
		    uv_listen((uv_stream_t *)&s->tcp, 16, dns_server_on_connection) == 0)
			break;
		uv_close((uv_handle_t *)&s->udp, NULL);
		uv_close((uv_handle_t *)&s->tcp, NULL);
		uv_run(loop, UV_RUN_NOWAIT);
	}
	uv_udp_recv_start(&s->udp, dns_server_alloc, dns_server_on_udp);
	s->at.addr = addr_from_ipv4(&at.sin_addr);
	s->at.port = ntohs(at.sin_port);
}

static void dns_server_stop(struct dns_server *s)
{
	uv_close((uv_handle_t *)&s->udp, NULL);
	uv_close((uv_handle_t *)&s->tcp, NULL);
}
