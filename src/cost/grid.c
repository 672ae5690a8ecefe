/* Tiles of a die: which unit lies where, and how far apart they are (docs/cost-model.md 1.5). */
#include "cost_int.h"

int roma_cost_tile_unit(const roma_chip *c, unsigned row, unsigned column) {
    const unsigned tile = row * (unsigned)c->grid_columns + column, first = (unsigned)roma_place_vector_tile(c, 0);
    const unsigned vectors = (unsigned)c->vector_units;
    if (tile >= first && tile - first < vectors) return ROMA_TILE_VECTOR;
    const unsigned unit = tile < first ? tile : tile - vectors;
    return unit < (unsigned)c->matrix_units ? (int)unit : ROMA_TILE_EMPTY;
}

/* A set of tiles, as far as distances in hops need it: bounds of row + column and of row - column. */
typedef struct {
    int64_t sum[2], difference[2];
} spread;

typedef struct {
    int64_t row, column;
} tile;

static tile tile_at(const roma_chip *c, uint64_t number) {
    const uint64_t columns = (uint64_t)c->grid_columns;
    return (tile){(int64_t)(number / columns), (int64_t)(number % columns)};
}

static tile vector_tile(const roma_chip *c, uint64_t unit) { return tile_at(c, roma_place_vector_tile(c, unit)); }

static tile matrix_tile(const roma_chip *c, uint64_t unit) { return tile_at(c, roma_place_matrix_tile(c, unit)); }

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static void take(spread *s, tile t, bool is_first) {
    const int64_t sum = t.row + t.column, difference = t.row - t.column;
    if (is_first || sum < s->sum[0]) s->sum[0] = sum;
    if (is_first || sum > s->sum[1]) s->sum[1] = sum;
    if (is_first || difference < s->difference[0]) s->difference[0] = difference;
    if (is_first || difference > s->difference[1]) s->difference[1] = difference;
}

static spread spread_of(const roma_chip *c, tile (*at)(const roma_chip *, uint64_t), uint64_t n) {
    spread s = {{0, 0}, {0, 0}};
    for (uint64_t i = 0; i < n; i++) take(&s, at(c, i), i == 0);
    return s;
}

/* The largest distance between a tile of one set and a tile of the other. */
static uint64_t farthest(const spread *a, const spread *b) {
    const int64_t sum = larger(a->sum[1] - b->sum[0], b->sum[1] - a->sum[0]);
    const int64_t difference = larger(a->difference[1] - b->difference[0], b->difference[1] - a->difference[0]);
    return (uint64_t)larger(larger(sum, difference), 0);
}

/* The same from the first unit of each head to its others. */
static uint64_t head_reach(const roma_chip *c, uint64_t units, uint64_t heads) {
    uint64_t most = 0;
    for (uint64_t u = 0; u < (uint64_t)c->matrix_units && u < units * heads; u++) {
        const tile first = matrix_tile(c, u / units * units), at = matrix_tile(c, u);
        const uint64_t rows = (uint64_t)(at.row - first.row);
        const uint64_t columns = (uint64_t)larger(at.column - first.column, first.column - at.column);
        if (rows + columns > most) most = rows + columns;
    }
    return most;
}

roma_distances roma_cost_distances(const roma_chip *c, uint64_t head_units, uint64_t heads) {
    const spread vectors = spread_of(c, vector_tile, (uint64_t)c->vector_units),
                 units = spread_of(c, matrix_tile, (uint64_t)c->matrix_units);
    spread root;
    take(&root, vector_tile(c, (uint64_t)c->vector_units / 2), true);
    return (roma_distances){.far = farthest(&vectors, &units),
                            .across = farthest(&root, &vectors),
                            .deep = farthest(&root, &units),
                            .reach = head_reach(c, head_units, heads)};
}
