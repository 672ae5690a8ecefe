/* Routes and routers (net.h): trees over the grid, and the Verilog of one tile's part of all of them. */
#include "net.h"

#include <string.h>

const char *const roma_rtl_net_side[4] = {"north", "east", "south", "west"};

enum { ON_TREE = 1, LEAF = 2 };

/* ---- the grid ---- */

static uint32_t tiles(const rtl_net *net) { return net->rows * net->columns; }

static uint32_t apart(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

static uint32_t hops(const rtl_net *net, uint32_t a, uint32_t b) {
    return apart(a / net->columns, b / net->columns) + apart(a % net->columns, b % net->columns);
}

uint32_t roma_rtl_net_distance(const rtl_net *net, const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < m; k++)
            if (hops(net, a[i], b[k]) > most) most = hops(net, a[i], b[k]);
    return most;
}

uint32_t roma_rtl_net_neighbour(const rtl_net *net, uint32_t tile, unsigned dir) {
    const uint32_t row = tile / net->columns, column = tile % net->columns;
    const bool is_edge = dir == 0   ? row == 0
                         : dir == 1 ? column + 1 == net->columns
                         : dir == 2 ? row + 1 == net->rows
                                    : column == 0;
    if (is_edge) return UINT32_MAX;
    return dir == 0 ? tile - net->columns : dir == 1 ? tile + 1 : dir == 2 ? tile + net->columns : tile - 1;
}

/* Direction of the first hop from a tile to the root of a channel, another tile. */
static unsigned way(const rtl_net *net, const rtl_channel *c, uint32_t tile) {
    const uint32_t row = tile / net->columns, column = tile % net->columns;
    const uint32_t to_row = c->root / net->columns, to_column = c->root % net->columns;
    const unsigned vertical = to_row < row ? 0 : 2, horizontal = to_column > column ? 1 : 3;
    if (row == to_row) return horizontal;
    if (column == to_column) return vertical;
    return c->rows_first ? vertical : horizontal;
}

/* ---- routes ---- */

int roma_rtl_net_add(rtl_net *net, const rtl_channel *c, roma_error *err) {
    if (net->n == net->room) {
        const size_t room = net->room ? 2 * net->room : 64;
        rtl_channel *more = roma_alloc_array(room, sizeof *more);
        if (!more) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the chip's network");
        if (net->n) memcpy(more, net->channel, net->n * sizeof *more);
        roma_free(net->channel);
        net->channel = more, net->room = room;
    }
    net->channel[net->n++] = *c;
    return ROMA_OK;
}

int roma_rtl_net_route(rtl_net *net, roma_error *err) {
    net->on = roma_alloc_array(net->n, tiles(net));
    if (!net->on) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the chip's network");
    for (size_t i = 0; i < net->n; i++) {
        const rtl_channel *c = &net->channel[i];
        uint8_t *on = net->on + i * tiles(net);
        on[c->root] |= ON_TREE;
        for (uint32_t k = 0; k < c->leaves; k++) {
            if (hops(net, c->leaf[k], c->root) > c->latency)
                return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "channel %s does not reach tile %u in %u hops",
                                 c->name, c->leaf[k], c->latency);
            on[c->leaf[k]] |= LEAF;
            for (uint32_t t = c->leaf[k]; t != c->root; t = roma_rtl_net_neighbour(net, t, way(net, c, t)))
                on[t] |= ON_TREE;
        }
    }
    return ROMA_OK;
}

void roma_rtl_net_destroy(rtl_net *net) {
    roma_free(net->channel);
    roma_free(net->on);
    *net = (rtl_net){0};
}

/* ---- links ---- */

/* Whether channel i crosses from a tile to its neighbour in a direction. */
static bool crosses(const rtl_net *net, size_t i, uint32_t tile, unsigned dir) {
    const rtl_channel *c = &net->channel[i];
    const uint8_t *on = net->on + i * tiles(net);
    const uint32_t other = roma_rtl_net_neighbour(net, tile, dir);
    if (other == UINT32_MAX || !on[tile] || !on[other]) return false;
    if (c->kind != RTL_NET_BROADCAST) return tile != c->root && way(net, c, tile) == dir;
    return other != c->root && way(net, c, other) == (dir ^ 2u);
}

/* Lowest bit of channel i on the link from a tile in a direction. */
static uint64_t offset(const rtl_net *net, size_t i, uint32_t tile, unsigned dir) {
    uint64_t bits = 0;
    for (size_t k = 0; k < i; k++)
        if (crosses(net, k, tile, dir)) bits += net->channel[k].width;
    return bits;
}

uint64_t roma_rtl_net_link_bits(const rtl_net *net, uint32_t tile, unsigned dir) {
    return offset(net, net->n, tile, dir);
}

bool roma_rtl_net_sends(const rtl_net *net, uint32_t tile, const char *name) {
    for (size_t i = 0; i < net->n; i++) {
        const rtl_channel *c = &net->channel[i];
        if (strcmp(c->name, name) != 0) continue;
        if (c->kind == RTL_NET_BROADCAST ? tile == c->root : (net->on[i * tiles(net) + tile] & LEAF) != 0) return true;
    }
    return false;
}

uint32_t roma_rtl_net_slices(const rtl_net *net, uint32_t tile, const char *name) {
    uint32_t most = 0;
    for (size_t i = 0; i < net->n; i++) {
        const rtl_channel *c = &net->channel[i];
        if (strcmp(c->name, name) != 0) continue;
        const bool gets = c->kind == RTL_NET_BROADCAST ? (net->on[i * tiles(net) + tile] & LEAF) != 0 : tile == c->root;
        if (gets && c->slice >= most) most = c->slice + 1;
    }
    return most;
}

void roma_rtl_net_ports(const rtl_net *net, uint32_t tile, roma_buf *out) {
    for (unsigned dir = 0; dir < 4; dir++) {
        const uint32_t other = roma_rtl_net_neighbour(net, tile, dir);
        const uint64_t leaves = roma_rtl_net_link_bits(net, tile, dir);
        const uint64_t enters = other == UINT32_MAX ? 0 : roma_rtl_net_link_bits(net, other, dir ^ 2u);
        if (enters)
            roma_buf_print(out, ",\n    input [%llu:0] %s_i", (unsigned long long)enters - 1, roma_rtl_net_side[dir]);
        if (leaves)
            roma_buf_print(out, ",\n    output [%llu:0] %s_o", (unsigned long long)leaves - 1, roma_rtl_net_side[dir]);
    }
}

/* ---- routers ---- */

/* What enters on channel i from the neighbour in a direction, as an expression. */
static void print_entry(const rtl_net *net, size_t i, uint32_t tile, unsigned dir, roma_buf *out) {
    const uint64_t low = offset(net, i, roma_rtl_net_neighbour(net, tile, dir), dir ^ 2u);
    roma_buf_print(out, "%s_i[%llu:%llu]", roma_rtl_net_side[dir], (unsigned long long)low + net->channel[i].width - 1,
                   (unsigned long long)low);
}

static void print_delay(const rtl_net *net, size_t i, uint32_t n, const char *d, const char *q, roma_buf *out) {
    roma_buf_print(out, "    roma_delay #(.W(%u), .N(%u)) c%zu_late (.clk(clk), .d(%s), .q(%s));\n",
                   net->channel[i].width, n, i, d, q);
}

/* Sends c<i> on, through a register, wherever the channel crosses. */
static void print_exits(const rtl_net *net, size_t i, uint32_t tile, roma_buf *out) {
    bool any = false;
    for (unsigned dir = 0; dir < 4; dir++) {
        if (!crosses(net, i, tile, dir)) continue;
        const uint64_t low = offset(net, i, tile, dir);
        if (!any)
            roma_buf_print(out, "    reg [%u:0] c%zu_q;\n    always @(posedge clk) c%zu_q <= c%zu;\n",
                           net->channel[i].width - 1, i, i, i);
        any = true;
        roma_buf_print(out, "    assign %s_o[%llu:%llu] = c%zu_q;\n", roma_rtl_net_side[dir],
                       (unsigned long long)low + net->channel[i].width - 1, (unsigned long long)low, i);
    }
}

static void print_broadcast(const rtl_net *net, size_t i, uint32_t tile, roma_buf *out) {
    const rtl_channel *c = &net->channel[i];
    char d[32], q[64];
    roma_buf_print(out, "    wire [%u:0] c%zu = ", c->width - 1, i);
    if (tile == c->root)
        roma_buf_print(out, "o_%s", c->name);
    else
        print_entry(net, i, tile, way(net, c, tile), out);
    roma_buf_print(out, ";\n");
    print_exits(net, i, tile, out);
    if (!(net->on[i * tiles(net) + tile] & LEAF)) return;
    roma_print(d, sizeof d, "c%zu", i);
    roma_print(q, sizeof q, "i_%s[%llu:%llu]", c->name, (unsigned long long)c->width * (c->slice + 1) - 1,
               (unsigned long long)c->width * c->slice);
    print_delay(net, i, c->latency - hops(net, tile, c->root), d, q, out);
}

static const char *const merger[] = {"", "roma_net_max", "roma_net_sum", "roma_net_best", "roma_net_part"};

static void print_merge(const rtl_net *net, size_t i, uint32_t tile, roma_buf *out) {
    const rtl_channel *c = &net->channel[i];
    const bool is_leaf = net->on[i * tiles(net) + tile] & LEAF;
    unsigned parts = 0;
    char d[32], q[32];
    if (is_leaf) {
        roma_print(d, sizeof d, "o_%s", c->name);
        roma_print(q, sizeof q, "c%zu_m%u", i, parts++);
        roma_buf_print(out, "    wire [%u:0] %s;\n", c->width - 1, q);
        print_delay(net, i, c->latency - hops(net, tile, c->root), d, q, out);
    }
    for (unsigned dir = 0; dir < 4; dir++) {
        const uint32_t other = roma_rtl_net_neighbour(net, tile, dir);
        if (other == UINT32_MAX || !crosses(net, i, other, dir ^ 2u)) continue;
        if (parts == 0) {
            roma_buf_print(out, "    wire [%u:0] c%zu_m%u = ", c->width - 1, i, parts++);
            print_entry(net, i, tile, dir, out);
            roma_buf_print(out, ";\n");
            continue;
        }
        roma_buf_print(out, "    wire [%u:0] c%zu_m%u;\n    %s #(.W(%u)) c%zu_at%u (.a(c%zu_m%u), .b(", c->width - 1, i,
                       parts, merger[c->kind], c->width, i, parts, i, parts - 1);
        print_entry(net, i, tile, dir, out);
        roma_buf_print(out, "), .y(c%zu_m%u));\n", i, parts);
        parts++;
    }
    roma_buf_print(out, "    wire [%u:0] c%zu = c%zu_m%u;\n", c->width - 1, i, i, parts - 1);
    if (tile == c->root)
        roma_buf_print(out, "    assign i_%s[%llu:%llu] = c%zu;\n", c->name,
                       (unsigned long long)c->width * (c->slice + 1) - 1, (unsigned long long)c->width * c->slice, i);
    else
        print_exits(net, i, tile, out);
}

void roma_rtl_net_router(const rtl_net *net, uint32_t tile, roma_buf *out) {
    for (size_t i = 0; i < net->n; i++) {
        if (!net->on[i * tiles(net) + tile]) continue;
        if (net->channel[i].kind == RTL_NET_BROADCAST)
            print_broadcast(net, i, tile, out);
        else
            print_merge(net, i, tile, out);
    }
}
