/* The network of a placement and the Verilog of its tiles (docs/hardware.md, "The chip"). A tile is a core that was
 * written by hand, the ROMs that it reads, and its part of every channel. */
#include "chip.h"

#include <string.h>

/* ---- numbers ---- */

static uint32_t number(double v) { return (uint32_t)v; }
static const uint32_t *vector_tiles(const rtl_chip *c) { return c->tiles + c->units; }
static uint32_t latency_of(const rtl_chip *c, char which) {
    return which == 'F'   ? c->far
           : which == 'A' ? c->across
           : which == 'D' ? c->deep
           : which == 'R' ? c->reach
                          : c->span;
}

/* Leaf units of a matrix unit (docs/cost-model.md 1.8). */
static uint32_t leaf_units(const roma_chip *c) {
    const uint32_t f = number(c->lunits * c->lanes / c->leaf_group);
    return f ? f : 1;
}

/* ---- channels: which of them there are ---- */

/* Who sends and who gets: all matrix tiles, all vector tiles, the root, every tile, the H-Units of one KV head and the
 * first of these; the last two once for each head. */
typedef enum { EACH_M, EACH_V, ROOT, ALL, OF_HEAD, FIRST_OF_HEAD, UNIT_0 } party;

typedef struct {
    const char *name;
    party from, to;
    char latency; /* F far, A across, D deep, R reach, S span */
    rtl_net_kind kind;
} kind_of_channel;

static const kind_of_channel kinds[] = {
    {"step", ROOT, ALL, 'S', RTL_NET_BROADCAST},
    {"code", EACH_V, EACH_M, 'F', RTL_NET_BROADCAST},
    {"pull", UNIT_0, EACH_V, 'F', RTL_NET_BROADCAST},
    {"pulled", EACH_V, EACH_M, 'F', RTL_NET_BROADCAST},
    {"scale", ROOT, EACH_M, 'F', RTL_NET_BROADCAST},
    {"res", EACH_M, EACH_V, 'F', RTL_NET_BROADCAST},
    {"add", EACH_M, EACH_V, 'F', RTL_NET_BROADCAST},
    {"part", EACH_M, ROOT, 'D', RTL_NET_PART},
    {"down", ROOT, EACH_M, 'D', RTL_NET_BROADCAST},
    {"best", EACH_M, ROOT, 'F', RTL_NET_BEST},
    {"kv", EACH_V, EACH_M, 'F', RTL_NET_BROADCAST},
    {"peak", OF_HEAD, FIRST_OF_HEAD, 'R', RTL_NET_MAX},
    {"peak_back", FIRST_OF_HEAD, OF_HEAD, 'R', RTL_NET_BROADCAST},
    {"den", OF_HEAD, FIRST_OF_HEAD, 'R', RTL_NET_SUM},
    {"leaf", OF_HEAD, FIRST_OF_HEAD, 'R', RTL_NET_BROADCAST},
    {"att", FIRST_OF_HEAD, EACH_V, 'F', RTL_NET_BROADCAST},
    {"tok", UNIT_0, EACH_V, 'F', RTL_NET_BROADCAST},
    {"max", EACH_V, ROOT, 'A', RTL_NET_MAX},
    {"max_back", ROOT, EACH_V, 'A', RTL_NET_BROADCAST},
    {"sum", EACH_V, ROOT, 'A', RTL_NET_SUM},
    {"sum_back", ROOT, EACH_V, 'A', RTL_NET_BROADCAST},
    {"load", ROOT, EACH_M, 'D', RTL_NET_BROADCAST},
    {"sign", EACH_M, ROOT, 'D', RTL_NET_BROADCAST},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static uint32_t width_of(const rtl_chip *c, const char *name) {
    const roma_chip *p = &c->place->chip;
    const roma_hyper *h = &c->place->plan->desc->hyper;
    const uint32_t g = number(p->lanes) / 8, lanes = number(p->vector_lanes), heads = h->heads / h->kv_heads;
    const uint32_t mac = number(p->hunit_mac), ups = mac > 16 ? mac / 16 : 1;
    const struct {
        const char *name;
        uint32_t width;
    } widths[] = {{"step", 74},
                  {"code", 11 + lanes / 8 * 67},
                  {"pull", 25},
                  {"pulled", 2 + lanes / 8 * 67},
                  {"scale", 50},
                  {"res", 18 + 32 * (g > c->leaf_units ? g : c->leaf_units)},
                  {"add", 21 + 32 * ups},
                  {"part", 2 + 32 * roma_rtl_lora_sizes(c->place).leaves},
                  {"down", 41 + 16 * ROMA_RTL_RANK_MAX},
                  {"best", 57},
                  {"kv", 12 + 32 * lanes},
                  {"peak", 1 + 32 * heads},
                  {"peak_back", 1 + 32 * heads},
                  {"den", 1 + 64 * heads},
                  {"leaf", 2 + 32 * (number(p->link_bytes) / 4)},
                  {"att", 10 + 32 * ((c->vectors * lanes + h->kv_heads - 1) / h->kv_heads)},
                  {"tok", 2},
                  {"max", 65},
                  {"max_back", 65},
                  {"sum", 65},
                  {"sum_back", 65},
                  {"load", 113},
                  {"sign", 33}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (strcmp(widths[i].name, name) == 0) return widths[i].width;
    return 0;
}

/* ---- the network ---- */

/* Tiles of a party; of a head those of head `head`. */
static const uint32_t *tiles_of(const rtl_chip *c, party who, uint32_t head, uint32_t *n) {
    switch (who) {
    case EACH_M: *n = c->units; return c->tiles;
    case EACH_V: *n = c->vectors; return vector_tiles(c);
    case ROOT: *n = 1; return vector_tiles(c) + c->root;
    case ALL: *n = c->units + c->vectors; return c->tiles;
    case OF_HEAD: *n = c->head_units; return c->tiles + head * c->head_units;
    case FIRST_OF_HEAD: *n = 1; return c->tiles + head * c->head_units;
    case UNIT_0: *n = 1; return c->tiles;
    }
    return NULL;
}

/* A way begins along the row of vector units where one of the two ends is there. */
static bool rows_first(party root) { return root == EACH_V || root == ROOT; }

static int add_kind(rtl_chip *c, const kind_of_channel *k, uint32_t head, roma_error *err) {
    uint32_t n_from, n_to;
    const uint32_t *from = tiles_of(c, k->from, head, &n_from), *to = tiles_of(c, k->to, head, &n_to);
    rtl_channel ch = {
        .name = k->name, .kind = k->kind, .width = width_of(c, k->name), .latency = latency_of(c, k->latency)};
    int rc = ROMA_OK;
    if (k->kind != RTL_NET_BROADCAST) {
        ch.root = *to, ch.leaf = from, ch.leaves = n_from, ch.rows_first = rows_first(k->to);
        return roma_rtl_net_add(&c->net, &ch, err);
    }
    for (uint32_t i = 0; !rc && i < n_from; i++) {
        ch.root = from[i], ch.leaf = to, ch.leaves = n_to, ch.rows_first = rows_first(k->from);
        ch.slice = k->from == FIRST_OF_HEAD && k->to == EACH_V ? head : i;
        rc = roma_rtl_net_add(&c->net, &ch, err);
    }
    return rc;
}

static int make_net(rtl_chip *c, roma_error *err) {
    int rc = ROMA_OK;
    for (unsigned i = 0; !rc && i < KINDS; i++) {
        const bool each_head = kinds[i].from == OF_HEAD || kinds[i].from == FIRST_OF_HEAD;
        for (uint32_t head = 0; !rc && head < (each_head ? c->kv_heads : 1); head++)
            rc = add_kind(c, &kinds[i], head, err);
    }
    return rc ? rc : roma_rtl_net_route(&c->net, err);
}

static void measure(rtl_chip *c) {
    const uint32_t *m = c->tiles, *v = vector_tiles(c), *root = v + c->root;
    c->far = roma_rtl_net_distance(&c->net, v, c->vectors, m, c->units);
    c->across = roma_rtl_net_distance(&c->net, root, 1, v, c->vectors);
    c->deep = roma_rtl_net_distance(&c->net, root, 1, m, c->units);
    c->span = c->deep > c->across ? c->deep : c->across;
    for (uint32_t head = 0; head < c->kv_heads; head++) {
        const uint32_t *first = m + head * c->head_units;
        const uint32_t reach = roma_rtl_net_distance(&c->net, first, 1, first, c->head_units);
        if (reach > c->reach) c->reach = reach;
    }
}

static int check_styles(const roma_placement *p, const roma_rtl_styles *styles, roma_error *err) {
    bool is_fused = styles->style == ROMA_RTL_FUSED;
    for (size_t i = 0; i < styles->others; i++) {
        is_fused |= !styles->other[i].is_netlist && styles->other[i].style == ROMA_RTL_FUSED;
        if (styles->other[i].unit >= p->chip.matrix_units || styles->other[i].lunit >= p->chip.lunits)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "there is no L-Unit %u.%u: chip %.40s has %.0f matrix units of %.0f, counted from 0",
                             styles->other[i].unit, styles->other[i].lunit, p->chip.name, p->chip.matrix_units,
                             p->chip.lunits);
    }
    if (is_fused && (int)p->chip.table)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "lunit.table of chip %.40s: gates are built for fused ROMs without level tables "
                         "(docs/hardware.md, What is built)",
                         p->chip.name);
    return ROMA_OK;
}

int roma_rtl_chip_make(rtl_chip *c, const roma_placement *p, const roma_rtl_styles *styles, const uint8_t base_id[32],
                       roma_error *err) {
    *c = (rtl_chip){.place = p, .styles = styles};
    int rc = roma_rtl_chip_check(p, err);
    if (!rc) rc = check_styles(p, styles, err);
    if (rc) return rc;
    c->units = number(p->chip.matrix_units), c->vectors = number(p->chip.vector_units), c->root = c->vectors / 2;
    c->kv_heads = p->plan->desc->hyper.kv_heads, c->head_units = roma_place_page_units(p);
    c->leaf_units = leaf_units(&p->chip);
    c->net.rows = number(p->chip.grid_rows), c->net.columns = number(p->chip.grid_columns);
    c->tiles = roma_alloc_array((size_t)c->units + c->vectors, sizeof *c->tiles);
    if (!c->tiles) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the chip's tiles");
    for (uint32_t u = 0; u < c->units; u++) c->tiles[u] = (uint32_t)roma_place_matrix_tile(&p->chip, u);
    for (uint32_t v = 0; v < c->vectors; v++) c->tiles[c->units + v] = (uint32_t)roma_place_vector_tile(&p->chip, v);
    measure(c);
    rc = roma_rtl_chip_check_ways(c, err);
    if (!rc) rc = roma_rtl_chip_check_rows(c, err);
    if (!rc) rc = make_net(c, err);
    if (!rc) rc = roma_rtl_program_make(&c->program, p, number(p->chip.chunk_rows), base_id, err);
    if (!rc) rc = roma_rtl_chip_check_vectors(c, err);
    c->first_record = 3 + c->program.values + 5 * c->program.formats;
    return rc;
}

void roma_rtl_chip_destroy(rtl_chip *c) {
    roma_rtl_program_destroy(&c->program);
    roma_rtl_net_destroy(&c->net);
    roma_free(c->tiles);
    *c = (rtl_chip){0};
}

/* ---- tiles ---- */

/* Bits of a block's number within a step. */
static uint32_t block_bits(const rtl_chip *c) {
    const uint32_t rows = number(c->place->chip.chunk_rows), block = number(c->place->chip.block_rows);
    return bits_for(rows > block ? (rows - 1) / block : 0);
}

/* Parameters that all cores have. */
static void print_parameters(const rtl_chip *c, roma_buf *out) {
    const roma_chip *p = &c->place->chip;
    const roma_hyper *h = &c->place->plan->desc->hyper;
    const uint32_t rows = number(p->chunk_rows), block = number(p->block_rows);
    const rtl_lora_sizes lora = roma_rtl_lora_sizes(c->place);
    roma_buf_print(out,
                   ".V(%u), .VL(%u), .U(%u), .N(%u), .LANES(%u), .F(%u), .KV(%u), .HEADS(%u), .HEAD_DIM(%u),\n"
                   "        .ROWS(%u), .BLOCK_ROWS(%u), .BLOCK_BITS(%u), .ADD(%u), .MUL(%u), .CONVERT(%u), .LINK(%u),\n"
                   "        .PROGRAM(\"program.hex\"), .WORDS(%zu), .FIRST(%u),\n"
                   "        .MAC(%u), .RANK(%u), .PLACES(%u), .SLOTS(%u), .ENTRIES(%u), .LEAVES(%u)",
                   c->vectors, number(p->vector_lanes), c->units, number(p->lunits), number(p->lanes), c->leaf_units,
                   c->kv_heads, h->heads, h->head_dim, rows, block, block_bits(c), number(p->lat_add),
                   number(p->lat_mul), number(p->lat_convert), number(p->link_bytes), c->program.words, c->first_record,
                   number(p->hunit_mac), ROMA_RTL_RANK_MAX, ROMA_RTL_PLACES, lora.slots, lora.entries, lora.leaves);
}

/* Whether a party is among the tiles of a kind of core. */
static bool is_of_matrix(party who) { return who == EACH_M || who == OF_HEAD || who == FIRST_OF_HEAD || who == UNIT_0; }
static bool is_of_core(party who, bool is_matrix) { return who == ALL || is_of_matrix(who) == is_matrix; }

/* Connects what a core sends on a channel; a core that this tile's channel has no use for sends to nobody. */
static void print_out(const rtl_chip *c, uint32_t tile, const char *name, uint32_t width, roma_buf *wires,
                      roma_buf *ports) {
    const char *unused = roma_rtl_net_sends(&c->net, tile, name) ? "" : "unused_";
    roma_buf_print(wires, "    wire [%u:0] %so_%s;\n", width - 1, unused, name);
    roma_buf_print(ports, ",\n        .o_%s(%so_%s)", name, unused, name);
}

/* Connects what a core gets; zeros where nobody sends. */
static void print_in(const rtl_chip *c, uint32_t tile, const char *name, uint32_t bits, roma_buf *wires,
                     roma_buf *ports) {
    if (!roma_rtl_net_slices(&c->net, tile, name)) {
        roma_buf_print(ports, ",\n        .i_%s({%u{1'b0}})", name, bits);
        return;
    }
    roma_buf_print(wires, "    wire [%u:0] i_%s;\n", bits - 1, name);
    roma_buf_print(ports, ",\n        .i_%s(i_%s)", name, name);
}

/* Wires of the core's channels, and their connections. */
static void print_wires(const rtl_chip *c, uint32_t tile, bool is_matrix, roma_buf *wires, roma_buf *ports) {
    for (unsigned i = 0; i < KINDS; i++) {
        const kind_of_channel *k = &kinds[i];
        const uint32_t width = width_of(c, k->name);
        uint32_t senders;
        tiles_of(c, k->from, 0, &senders);
        if (k->kind != RTL_NET_BROADCAST) senders = 1;
        if (k->from == FIRST_OF_HEAD && k->to == EACH_V) senders = c->kv_heads;
        if (is_of_core(k->from, is_matrix)) print_out(c, tile, k->name, width, wires, ports);
        if (is_of_core(k->to, is_matrix)) print_in(c, tile, k->name, width * senders, wires, ports);
    }
}

/* A power of two that no matrix has more groups of a row than. */
static uint32_t most_groups(const rtl_chip *c) {
    const roma_description *d = c->place->plan->desc;
    uint32_t most = 2;
    for (size_t i = 0; i < d->n_tensors; i++)
        while (!d->tensors[i].is_vector && most < d->tensors[i].cols / d->tensors[i].format.group) most *= 2;
    return most;
}

/* Pages of a layer that an H-Unit has room for: those of the model's context, as far as the SRAM goes. */
static uint32_t rounds_of(const rtl_chip *c) {
    const roma_hyper *h = &c->place->plan->desc->hyper;
    const uint32_t pages = (h->context + 31) / 32, wanted = (pages + c->head_units - 1) / c->head_units;
    const uint32_t room = number(c->place->chip.hunit_sram_bytes) / (h->layers * (64 * h->head_dim + 256));
    return room < wanted ? (room ? room : 1) : wanted;
}

static void print_matrix_core(const rtl_chip *c, uint32_t unit, const roma_buf *ports, roma_buf *out) {
    const roma_chip *p = &c->place->chip;
    const rtl_lora_sizes lora = roma_rtl_lora_sizes(c->place);
    roma_rtl_chip_lunits(c, unit, out);
    roma_buf_print(out, "    roma_matrix_tile #(\n        ");
    print_parameters(c, out);
    roma_buf_print(out,
                   ",\n        .DIV(%u), .FAR(%u), .DEEP(%u), .REACH(%u), .PIPELINE(%u),\n"
                   "        .LUNIT_WORDS(%u), .ADDRESS(%u), .SCALE(%u), .SCALE_BITS(%u), .BUFFER(%u),\n"
                   "        .COLUMNS(%u), .GROUPS(%u), .BANDWIDTH(%u), .LAYERS(%u), "
                   ".SRAM(%u), .TABLE(%u),\n"
                   "        .ROUNDS(%u), .LEADS(%u), .SCALES_B(%u), .A_COLUMNS(%u)\n"
                   "    ) core (.clk(clk), .reset(reset), .unit(16'd%u)%.*s,\n"
                   "        .lunit_address(lunit_address), .lunit_bits(lunit_bits), .lunit_codes(lunit_codes), "
                   ".lunit_shifts(lunit_shifts), .lunit_table(lunit_table), .lunit_levels(lunit_levels), "
                   ".lunit_sums(lunit_sums),\n"
                   "        .scale_address(scale_address), .scale_word(scale_word));\n",
                   number(p->lat_div), c->far, c->deep, c->reach, number(p->lunit_pipeline),
                   (uint32_t)c->place->rom_words, roma_rtl_chip_lunit_address(c), roma_rtl_chip_scale_address(c),
                   number(p->scale_bits), number(p->buffer_inputs), c->net.columns, most_groups(c),
                   number(p->hunit_bandwidth), c->place->plan->desc->hyper.layers, number(p->hunit_sram_bytes),
                   (int)p->table ? number(p->table_bits) : 0, rounds_of(c), unit % c->head_units == 0, lora.scales,
                   lora.columns, unit, (int)ports->len, (const char *)ports->data);
}

/* The host's port of a vector core; only the root's leads somewhere. */
static const char root_host[] =
    ",\n        .host_valid(host_valid), .host_what(host_what), .host_address(host_address), "
    ".host_data(host_data), .out_valid(out_valid), .out_what(out_what), .out_data(out_data)";
static const char other_host[] =
    ",\n        .host_valid(1'b0), .host_what(8'd0), .host_address(48'd0), .host_data(64'd0), "
    ".out_valid(unused_valid), .out_what(unused_what), .out_data(unused_data)";

static void print_vector_core(const rtl_chip *c, uint32_t unit, const roma_buf *ports, roma_buf *out) {
    const roma_chip *p = &c->place->chip;
    const uint32_t lanes = number(p->vector_lanes), all = lanes * c->vectors, d = c->place->plan->desc->hyper.head_dim;
    const uint32_t pairs = (d > all ? d / all : 1) * lanes / 2, a = bits_for(c->place->vector_words - 1);
    roma_buf_print(
        out,
        "    wire [15:0] vector_address;\n    wire [%u:0] vector_word;\n    wire [%u:0] unused_vectors;\n    wire "
        "[%u:0] increments;\n"
        "    wire [63:0] unused_increment;\n"
        "    roma_word_file #(.FILE(\"vectors_%u.hex\"), .WORDS(%u), .W(%u)) vectors (.addr(vector_address[%u:0]), "
        ".word(vector_word), .all(unused_vectors));\n"
        "    roma_word_file #(.FILE(\"increments_%u.hex\"), .WORDS(%u)) turns (.addr(%u'd0), .word(unused_increment), "
        ".all(increments));\n",
        32 * lanes - 1, 32 * lanes * (uint32_t)c->place->vector_words - 1, 64 * pairs - 1, unit,
        (uint32_t)c->place->vector_words, 32 * lanes, a - 1, unit, pairs, bits_for(pairs - 1));
    roma_buf_print(out, "    roma_vector_tile #(\n        ");
    print_parameters(c, out);
    roma_buf_print(out,
                   ",\n        .ROOT(%u), .EXP_INTERVAL(%u), .DIV_INTERVAL(%u), .VALUE_WORDS(%u), .CODE_WORDS(%u), "
                   ".BANDWIDTH(%u), .DEPTH(%u)\n"
                   "    ) core (.clk(clk), .reset(reset), .unit(16'd%u), .vector_address(vector_address), "
                   ".vector_word(vector_word),\n"
                   "        .increments(increments)%.*s%s);\n",
                   unit == c->root, number(p->exp_interval), number(p->div_interval), c->program.value_words,
                   c->program.code_words, number(p->hunit_bandwidth), roma_rtl_lora_sizes(c->place).depth, unit,
                   (int)ports->len, (const char *)ports->data, unit == c->root ? root_host : other_host);
}

static const char host_ports[] =
    ",\n    input host_valid,\n    input [7:0] host_what,\n    input [47:0] host_address,\n    input [63:0] "
    "host_data,\n    output out_valid,\n    output [7:0] out_what,\n    output [63:0] out_data";

/* The unit of a tile: matrix units first, then vector units. */
static uint32_t unit_of(const rtl_chip *c, uint32_t tile) {
    uint32_t i = 0;
    while (c->tiles[i] != tile) i++;
    return i;
}

void roma_rtl_chip_tile(const rtl_chip *c, uint32_t tile, roma_buf *out) {
    const uint32_t unit = unit_of(c, tile);
    const bool is_matrix = unit < c->units, is_root = unit == c->units + c->root;
    roma_buf wires = {0}, ports = {0};
    roma_buf_print(out,
                   "// Tile at row %u, column %u: %s unit %u.\nmodule roma_tile_%u (\n    input clk,\n    input reset",
                   tile / c->net.columns, tile % c->net.columns, is_matrix ? "matrix" : "vector",
                   is_matrix ? unit : unit - c->units, tile);
    roma_rtl_net_ports(&c->net, tile, out);
    roma_buf_print(out, "%s\n);\n", is_root ? host_ports : "");
    print_wires(c, tile, is_matrix, &wires, &ports);
    roma_buf_append(out, wires.data, wires.len);
    if (is_matrix)
        print_matrix_core(c, unit, &ports, out);
    else {
        if (!is_root)
            roma_buf_print(out, "    wire unused_valid;\n    wire [7:0] unused_what;\n    wire [63:0] unused_data;\n");
        print_vector_core(c, unit - c->units, &ports, out);
    }
    roma_rtl_net_router(&c->net, tile, out);
    roma_buf_print(out, "endmodule\n");
    roma_buf_destroy(&wires);
    roma_buf_destroy(&ports);
}

/* ---- the top ---- */

static void print_link(const rtl_chip *c, uint32_t tile, unsigned dir, roma_buf *out) {
    const uint64_t bits = roma_rtl_net_link_bits(&c->net, tile, dir);
    if (bits)
        roma_buf_print(out, "    wire [%llu:0] from_%u_%s;\n", (unsigned long long)bits - 1, tile,
                       roma_rtl_net_side[dir]);
}

static void print_tile_instance(const rtl_chip *c, uint32_t tile, roma_buf *out) {
    roma_buf_print(out, "    roma_tile_%u tile_%u (.clk(clk), .reset(reset)", tile, tile);
    for (unsigned dir = 0; dir < 4; dir++) {
        const uint32_t other = roma_rtl_net_neighbour(&c->net, tile, dir);
        if (other != UINT32_MAX && roma_rtl_net_link_bits(&c->net, other, dir ^ 2u))
            roma_buf_print(out, ", .%s_i(from_%u_%s)", roma_rtl_net_side[dir], other, roma_rtl_net_side[dir ^ 2u]);
        if (roma_rtl_net_link_bits(&c->net, tile, dir))
            roma_buf_print(out, ", .%s_o(from_%u_%s)", roma_rtl_net_side[dir], tile, roma_rtl_net_side[dir]);
    }
    if (tile == vector_tiles(c)[c->root]) roma_buf_append(out, root_host, sizeof root_host - 1);
    roma_buf_print(out, ");\n");
}

void roma_rtl_chip_top(const rtl_chip *c, roma_buf *out) {
    const uint32_t n = c->net.rows * c->net.columns;
    roma_buf_print(
        out,
        "// The chip: %u x %u tiles, each joined with its neighbours alone; the host talks to the root, tile %u.\n"
        "module roma_chip (\n    input clk,\n    input reset%s\n);\n",
        c->net.rows, c->net.columns, vector_tiles(c)[c->root], host_ports);
    for (uint32_t t = 0; t < n; t++)
        for (unsigned dir = 0; dir < 4; dir++) print_link(c, t, dir, out);
    for (uint32_t t = 0; t < n; t++) print_tile_instance(c, t, out);
    roma_buf_print(out, "endmodule\n");
}
