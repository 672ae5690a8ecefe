/* The faults that a bench can plant: each one place of one unit, of which a run must name the operation and the unit.
 */
#include "roma/rtl.h"

/* name, unit kind, unit, how, signal, value, what */
/* clang-format off */
#define FAULTS(X)                                                                                                      \
    X("rom-bit", M, 1, TURNED, "rom_0.rom[40]", "64'h1", "a bit of an L-Unit's ROM is the other one")                       \
    X("rom-word", M, 5, TURNED, "rom_3.rom[300]", "64'hFFFF", "a lane's worth of bits of an L-Unit's ROM is wrong")         \
    X("scale-bit", M, 2, TURNED, "scales.words[9]", "64'h400", "a bit of the ROM of scales is the other one")               \
    X("gain-bit", V, 1, TURNED, "vectors.words[2]", "256'h800000", "a bit of a norm's weights is the other one")             \
    X("increment-bit", V, 0, TURNED, "turns.words[1]", "64'h100000000000", "a bit of a RoPE increment is the other one") \
    X("linear-late", M, 3, ONCE(-1), "core.products.scaled", "1'b0", "a product may not start for a cycle")                  \
    X("address-stuck", M, 1, HELD, "lunit_address[2]", "1'b0", "a bit of the L-Units' address is stuck at 0")        \
    X("code-stuck", M, 0, HELD, "lunit_codes[4]", "1'b1", "a bit of the activations into an L-Unit is stuck at 1")   \
    X("shift-stuck", M, 4, HELD, "lunit_shifts[1:0]", "2'd3", "the shift of eight activations is stuck")             \
    X("width-select", M, 6, HELD, "lunit_bits", "2'd2", "the L-Units take codes as 8-bit ones")                      \
    X("sum-stuck", M, 7, HELD, "lunit_sums[3]", "1'b1", "a bit of an L-Unit's sum is stuck at 1")                    \
    X("merge-select", M, 2, HELD, "core.op_merge", "0", "sums of neighbouring L-Units are not merged")                    \
    X("minimum-select", M, 3, HELD, "core.op_minimum", "1'b0", "minima are left out")                                     \
    X("zero-point", M, 5, HELD, "core.op_zero", "9'd1", "the zero point is 1")                                            \
    X("tree-levels", M, 1, HELD, "core.op_levels", "1", "the tree of groups ends a level too early")                      \
    X("group-count", M, 6, HELD, "core.op_groups", "1", "a row has two groups")                                           \
    X("buffer-row", M, 0, HELD, "core.op_row", "1'b1", "a product reads the other row of activations")                    \
    X("matrix-address", M, 4, HELD, "core.op_address[0]", "1'b1", "a matrix begins at an odd address")                    \
    X("scale-address", M, 7, HELD, "core.op_scale[0]", "1'b1", "a matrix's scales begin at an odd address")               \
    X("fill-code", M, 2, HELD, "core.fill_codes[9]", "1'b1", "a bit of the broadcast's codes is stuck at 1")              \
    X("fill-shift", M, 3, HELD, "core.fill_shifts[2:0]", "3'd7", "a shift of the broadcast is stuck at 7")                \
    X("scale-value", M, 5, HELD, "i_scale[20]", "1'b1", "a bit of the activations' scale is stuck at 1 on its way")  \
    X("scale-lost", M, 6, HELD, "i_scale[49]", "1'b0", "a scale of activations is lost on its way")                  \
    X("wrong-hop", M, 1, HELD, "o_res[RES_INDEX]", "1'b1", "results go where the neighbouring row group's belong")   \
    X("result-lost", M, 0, HELD, "o_res[RES_VALID]", "1'b0", "results are lost on their way")                        \
    X("head-key", M, 2, HELD, "core.keys", "0", "the choice does not see a unit's logits")                                \
    X("embed-row", M, 0, HELD, "core.op_lookup_row", "1", "the embedding takes the other row of a row group")             \
    X("exp-constant", V, 1, HELD, "core.fp32.gen_silu[0].silu.exponential.p[31:0]", "32'h3AB60B60", "a coefficient of exp is off by one") \
    X("sine-constant", V, 2, HELD, "core.fp32.gen_sine[0].turn[31:0]", "32'd0", "an angle is 0")                          \
    X("operand-sign", V, 3, HELD, "core.y[31]", "1'b1", "the sign of a second operand is stuck at 1")                     \
    X("factor", V, 0, HELD, "core.factor[3]", "1'b1", "a bit of a factor is stuck at 1")                                  \
    X("largest-lost", V, 1, HELD, "i_max_back[64]", "1'b0", "the largest magnitude is not known to a vector unit")   \
    X("squares", V, 2, HELD, "o_sum[30]", "1'b1", "a bit of a sum of squares is stuck at 1")                         \
    X("one-cycle-more", V, 3, ONCE(1), "core.passes.waits", "1'b1", "a pass waits for a cycle more")                         \
    X("vector-late", V, 0, ONCE(-1), "core.sequencer.there", "1'b0", "an operation of a vector unit starts a cycle late")     \
    X("lane-select", V, 1, HELD, "core.lanes[2]", "1'b0", "a lane is left out")                                           \
    X("write-lane", V, 2, HELD, "core.res_lane[2:0]", "3'd0", "results of a matrix unit go to the wrong lane")            \
    X("rotation-select", V, 3, HELD, "core.turns[0]", "1'b0", "a pair is not rotated")                                    \
    X("send-address", V, 0, HELD, "core.send_address[0]", "1'b0", "H-Units get a word twice")                             \
    X("code-lost", V, 1, HELD, "o_code[CODE_VALID]", "1'b0", "codes of a vector unit are lost")
/* clang-format on */

static const roma_rtl_fault faults[] = {
#define M true
#define V false
#define HELD ROMA_RTL_HELD, 0
#define TURNED ROMA_RTL_TURNED, 0
#define ONCE(offset) ROMA_RTL_ONCE, offset
#define X(...) ROW(__VA_ARGS__)
#define ROW(name, kind, unit, how, offset, signal, value, what) {name, what, kind, how, offset, unit, signal, value},
    FAULTS(X)
#undef X
#undef HELD
#undef TURNED
#undef ONCE
#undef M
#undef V
};

const roma_rtl_fault *roma_rtl_fault_at(unsigned i) { return i < sizeof faults / sizeof *faults ? faults + i : NULL; }
