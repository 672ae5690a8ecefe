/* The network of a chip in gates: what tiles send one another, as registers from neighbour to neighbour.
 *
 * A channel has one latency for all that it reaches: every tile delays by what it is nearer, so that a core may take
 * all channels for wires with a fixed delay (docs/hardware.md, "The network"). A broadcast goes from one tile to many;
 * a merge from many to one, with maxima or sums taken on the way, in the cycle of the hop. Part of room rtl. */
#ifndef ROMA_RTL_NET_H
#define ROMA_RTL_NET_H

#include "roma/rtl.h"

/* How what meets on the way becomes one: not at all; the largest of fields of 32 bits; sums of fields of 64 bits; the
 * better of two logits (roma_net_best); sums of fields of 32 bits (roma_net_part). */
typedef enum { RTL_NET_BROADCAST, RTL_NET_MAX, RTL_NET_SUM, RTL_NET_BEST, RTL_NET_PART } rtl_net_kind;

/* A channel. Ports of cores are o_NAME and i_NAME; of i_NAME the channel is bits [slice * width, (slice + 1) * width).
 */
typedef struct {
    const char *name; /* static */
    rtl_net_kind kind;
    bool rows_first; /* a tile's way to the root of the tree crosses rows before columns */
    uint32_t width, latency, slice;
    uint32_t root;        /* the tile that sends a broadcast, or has what was merged */
    const uint32_t *leaf; /* [leaves]: the others' tiles, the caller's */
    uint32_t leaves;
} rtl_channel;

/* A grid with its channels. */
typedef struct {
    uint32_t rows, columns;
    rtl_channel *channel; /* [n], owned */
    size_t n, room;
    uint8_t *on; /* [n][rows * columns], owned: 1 on the tree, 2 a leaf too; made by roma_rtl_net_route */
} rtl_net;

/* Adds a channel. ENOMEM. */
int roma_rtl_net_add(rtl_net *net, const rtl_channel *c, roma_error *err);
/* Finds every channel's tree. EINTERNAL for a leaf that is farther than the latency; ENOMEM. */
int roma_rtl_net_route(rtl_net *net, roma_error *err);
void roma_rtl_net_destroy(rtl_net *net);

/* Largest distance between a tile of a and one of b, in hops. */
uint32_t roma_rtl_net_distance(const rtl_net *net, const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m);
/* Bits that cross from a tile to its neighbour: dir 0 north, 1 east, 2 south, 3 west. */
uint64_t roma_rtl_net_link_bits(const rtl_net *net, uint32_t tile, unsigned dir);
/* The neighbour in a direction, or UINT32_MAX at the edge. */
uint32_t roma_rtl_net_neighbour(const rtl_net *net, uint32_t tile, unsigned dir);
/* Writes ports of a tile's module for its links, a line each: north_i, north_o, ... where there is something to carry.
 */
void roma_rtl_net_ports(const rtl_net *net, uint32_t tile, roma_buf *out);
/* Writes what lies between these ports and the core's, whose wires o_NAME and i_NAME the caller declares. */
void roma_rtl_net_router(const rtl_net *net, uint32_t tile, roma_buf *out);
/* Whether a tile sends on a channel of this name, or gets what is on it, and how many slices it gets. */
bool roma_rtl_net_sends(const rtl_net *net, uint32_t tile, const char *name);
uint32_t roma_rtl_net_slices(const rtl_net *net, uint32_t tile, const char *name);

extern const char *const roma_rtl_net_side[4];

#endif
